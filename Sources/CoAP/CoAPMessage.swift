import Bytes

/// What a request or response says, whatever transport carries it: code, token, options, payload.
///
/// `CoAPDatagram` puts it into a datagram.
public struct CoAPMessage: Hashable, Sendable {
  /// The longest token (RFC 7252, Section 3), in bytes.
  public static let maximumTokenLength = 8

  /// The largest message to send while nothing is known of the path (RFC 7252, Section 4.6), in
  /// bytes.
  public static let defaultMaximumSize = 1152

  /// The largest payload to send while nothing is known of the path (RFC 7252, Section 4.6), in
  /// bytes.
  public static let defaultMaximumPayload = 1024

  /// How many options a received message may have: a DOTS request needs about a dozen.
  public static let maximumOptions = 64

  private struct Parts: Hashable, Sendable {
    var code: CoAPCode
    var token: [UInt8]
    var options: [CoAPOption] = []
    var payload: [UInt8]
  }

  private var parts: Behind<Parts>

  /// The method or response code.
  public var code: CoAPCode {
    get { parts.value.code }
    set { parts.value.code = newValue }
  }

  /// What matches a response to its request: at most 8 bytes; echoed, never read.
  public var token: [UInt8] {
    get { parts.value.token }
    set { parts.value.token = newValue }
  }

  /// The options in ascending order of their numbers; those of one number in the order of arrival.
  public private(set) var options: [CoAPOption] {
    get { parts.value.options }
    set { parts.value.options = newValue }
  }

  /// The payload; empty when there is none.
  public var payload: [UInt8] {
    get { parts.value.payload }
    set { parts.value.payload = newValue }
  }

  /// A message; `options` may come in any order.
  public init(
    _ code: CoAPCode,
    token: [UInt8] = [],
    options: [CoAPOption] = [],
    payload: [UInt8] = []
  ) {
    parts = Behind(Parts(code: code, token: token, payload: payload))
    for option in options { add(option) }
  }

  /// Adds an option behind those with the same or a lower number.
  public mutating func add(_ option: CoAPOption) {
    let index =
      options.lastIndex { $0.number.rawValue <= option.number.rawValue }.map { $0 + 1 } ?? 0
    parts.value.options.insert(option, at: index)
  }

  /// An error response with a diagnostic payload (RFC 7252, Section 5.5.2).
  public static func diagnostic(_ code: CoAPCode, _ text: Text) -> CoAPMessage {
    CoAPMessage(code, payload: text.bytes)
  }
}

extension CoAPMessage {
  /// The first critical option that stops us, apart from those for proxies; nil when there is none.
  ///
  /// An option with a length outside its range counts as not understood (RFC 7252, Section 5.4.3),
  /// and so does a repetition of one that may occur only once (Section 5.4.5).
  public var unrecognizedCriticalOption: CoAPOptionNumber? {
    var previous: CoAPOptionNumber?
    for option in options {
      let isExtra = option.number == previous && !option.number.isRepeatable
      previous = option.number
      guard option.number.isCritical, !option.number.isForProxies else { continue }
      if isExtra || !option.hasKnownLength
        || !CoAPOptionNumber.understood.contains(option.number)
      {
        return option.number
      }
    }
    return nil
  }

  /// What to answer when options forbid to process a request; nil when they don't.
  var optionRefusal: CoAPMessage? {
    if let number = unrecognizedCriticalOption {
      let text = Text("critical option ") + Text(decimal: number.rawValue) + " not understood"
      return .diagnostic(.badOption, text)
    }
    guard let proxy = options.first(where: { $0.number.isForProxies }) else { return nil }
    let text = Text("option ") + Text(decimal: proxy.number.rawValue) + ": this is no proxy"
    return .diagnostic(.proxyingNotSupported, text)
  }

  /// The values of a repeatable option, without those of a length outside its range.
  public func values(of number: CoAPOptionNumber) -> [[UInt8]] {
    options.filter { $0.number == number && $0.hasKnownLength }.map { $0.value }
  }

  /// The first occurrence of an option; nil when there is none or its length is outside the range,
  /// which makes an elective option as good as absent (RFC 7252, Section 5.4.3).
  public func first(_ number: CoAPOptionNumber) -> CoAPOption? {
    options.first { $0.number == number }.flatMap { $0.hasKnownLength ? $0 : nil }
  }

  /// The segments of the path (Uri-Path), not checked for UTF-8.
  public var uriPath: [Text] { values(of: .uriPath).map { Text($0) } }

  /// The arguments of the query (Uri-Query), not checked for UTF-8.
  public var uriQuery: [Text] { values(of: .uriQuery).map { Text($0) } }

  /// The values of If-Match; one empty value means "if it exists".
  public var ifMatch: [[UInt8]] { values(of: .ifMatch) }

  /// Whether If-None-Match is there.
  public var hasIfNoneMatch: Bool { first(.ifNoneMatch) != nil }

  /// The Content-Format of the payload; nil when it isn't said.
  public var contentFormat: UInt16? { uint16(.contentFormat) }

  /// The only Content-Format that the client accepts; nil for any.
  public var accept: UInt16? { uint16(.accept) }

  /// Observe: 0 register or 1 deregister in a request, a sequence number in a response.
  public var observe: UInt32? { first(.observe)?.uint }

  /// Max-Age in seconds; nil means the default, 60 (RFC 7252, Section 5.10.5).
  public var maxAge: UInt32? { first(.maxAge)?.uint }

  /// Hop-Limit; nil when it is absent or has another length than one byte.
  public var hopLimit: UInt8? { first(.hopLimit)?.value.first }

  /// Block1: which part of the request's payload this is.
  public var block1: CoAPBlock? { first(.block1).flatMap(CoAPBlock.init) }

  /// Block2: which part of the response's payload is meant.
  public var block2: CoAPBlock? { first(.block2).flatMap(CoAPBlock.init) }

  private func uint16(_ number: CoAPOptionNumber) -> UInt16? {
    first(number)?.uint.flatMap { UInt16(exactly: $0) }
  }
}
