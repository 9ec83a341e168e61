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
