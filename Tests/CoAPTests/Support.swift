import Bytes
import CoAP
import Foundation
import TestSupport
import Testing

/// The bytes of pairs of hexadecimal digits; spaces are skipped.
func bytes(_ hexadecimal: String) throws -> [UInt8] {
  try #require(hexadecimalBytes(hexadecimal))
}

/// The datagram of a vector, found by the first letters of its file name.
func vector(_ name: String) throws -> [UInt8] {
  let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Vectors")
  let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
  let file = try #require(files.first { $0.hasPrefix(name + "-") })
  let data = try Data(contentsOf: folder.appendingPathComponent(file))
  let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  return try bytes(#require(object["coap_hex"] as? String))
}

/// What a datagram is refused for; nil when it isn't.
func refusal(_ bytes: [UInt8]) -> CoAPFormatError? {
  do throws(CoAPFormatError) {
    _ = try CoAPDatagram(parsing: bytes)
    return nil
  } catch {
    return error
  }
}

/// The moment some seconds after the start of a test.
func at(_ seconds: Double) -> Instant { Instant(milliseconds: Int64(seconds * 1000)) }

/// A layer whose first waits are all exactly two seconds.
func layer(seed: UInt64 = 1, maxRetransmit: UInt8 = 3) -> MessageLayer {
  MessageLayer(
    seed: seed,
    parameters: TransmissionParameters(ackRandomFactor: 100, maxRetransmit: maxRetransmit)
  )
}

/// A GET of the session configuration.
func request(
  _ type: CoAPType,
  messageID: UInt16 = 1,
  token: [UInt8] = [0xAA],
  options: [CoAPOption] = []
) -> [UInt8] {
  let path = CoAPOption(.uriPath, Text("config").bytes)
  let message = CoAPMessage(.get, token: token, options: [path] + options)
  return CoAPDatagram(type, messageID: messageID, message).encoded
}

extension [MessageAction] {
  /// The datagrams that are to be sent.
  var sent: [CoAPDatagram] {
    get throws {
      try compactMap { action in
        guard case .send(let bytes) = action else { return nil }
        return try CoAPDatagram(parsing: bytes)
      }
    }
  }

  /// The requests that are to be processed.
  var delivered: [(exchange: ExchangeID, message: CoAPMessage)] {
    compactMap { action in
      guard case .deliver(let exchange, let message) = action else { return nil }
      return (exchange, message)
    }
  }

  /// The responses that are to be taken.
  var responses: [(exchange: ExchangeID, message: CoAPMessage)] {
    compactMap { action in
      guard case .deliverResponse(let exchange, let message) = action else { return nil }
      return (exchange, message)
    }
  }
}

extension [MessageAction] {
  /// All bytes that are to be sent, one after the other.
  var sentBytes: [UInt8] {
    flatMap { action in
      if case .send(let bytes) = action { bytes } else { [UInt8]() }
    }
  }

  /// The messages that are to be sent on a stream.
  var frames: [CoAPMessage] {
    get throws { try messages(in: sentBytes) }
  }

  /// Why the stream ends; nil when it doesn't.
  var end: StreamEnd? {
    for case .close(let end) in self { return end }
    return nil
  }

  /// The requests of ours that get no response.
  var failures: [ExchangeID: ExchangeFailure] {
    var failures: [ExchangeID: ExchangeFailure] = [:]
    for case .failed(let exchange, let failure) in self { failures[exchange] = failure }
    return failures
  }
}

/// All messages of a stream, which has to end with the last one.
func messages(in bytes: [UInt8]) throws -> [CoAPMessage] {
  var reader = FrameReader()
  reader.append(bytes)
  var messages: [CoAPMessage] = []
  while let message = try reader.next() { messages.append(message) }
  try #require(messages.map { $0.frame.count }.reduce(0, +) == bytes.count)
  return messages
}

/// A body whose bytes tell where they stand.
func body(_ count: Int, _ salt: Int = 0) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: ($0 * 7) ^ ($0 >> 8) ^ salt) }
}

/// A session over a stream whose peer has sent its settings.
func openStream(peerMaximum: UInt32? = nil) -> StreamLayer {
  let stream = StreamLayer()
  _ = stream.opened(now: at(0))
  var settings = CoAPMessage(.settings)
  if let peerMaximum { settings.add(CoAPOption(CoAPOptionNumber(2), uint: peerMaximum)) }
  _ = stream.received(settings.frame, now: at(0))
  return stream
}

/// A message with a path and more.
func message(
  _ code: CoAPCode = .get,
  token: [UInt8] = [],
  path: Text = "mitigate",
  options: [CoAPOption] = [],
  payload: [UInt8] = []
) -> CoAPMessage {
  let path = CoAPOption(.uriPath, path.bytes)
  return CoAPMessage(code, token: token, options: [path] + options, payload: payload)
}
