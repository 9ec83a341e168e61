import Bytes

/// The number of an option (RFC 7252, Section 5.10).
public struct CoAPOptionNumber: Hashable, Sendable {
  /// The number itself.
  public let rawValue: UInt16

  /// The option with this number, known or not.
  public init(_ rawValue: UInt16) { self.rawValue = rawValue }

  /// Whether a message must not be processed by one who doesn't recognise the option
  /// (RFC 7252, Section 5.4.1): odd numbers.
  public var isCritical: Bool { rawValue & 1 == 1 }

  /// How many bytes the value may have (RFC 7252, Section 5.10, Table 4, and the RFCs of the later
  /// options); nil for an option that isn't known here.
  public var lengths: ClosedRange<Int>? {
    switch self {
    case .ifMatch: 0...8
    case .uriHost, .proxyScheme: 1...255
    case .eTag: 1...8
    case .ifNoneMatch: 0...0
    case .observe, .block1, .block2, .qBlock1, .qBlock2: 0...3
    case .uriPort, .contentFormat, .accept: 0...2
    case .locationPath, .uriPath, .uriQuery, .locationQuery: 0...255
    case .maxAge, .size1, .size2: 0...4
    case .hopLimit: 1...1
    case .proxyURI: 1...1034
    default: nil
    }
  }

  /// Whether the option may occur more than once (RFC 7252, Section 5.4.5).
  ///
  /// Unknown options count as repeatable: nothing is known that would forbid it.
  public var isRepeatable: Bool {
    switch self {
    case .ifMatch, .eTag, .locationPath, .uriPath, .uriQuery, .locationQuery: true
    case .qBlock2: true
    default: lengths == nil
    }
  }
}

extension CoAPOptionNumber {
  /// If-Match.
  public static let ifMatch = CoAPOptionNumber(1)
  /// Uri-Host.
  public static let uriHost = CoAPOptionNumber(3)
  /// ETag.
  public static let eTag = CoAPOptionNumber(4)
  /// If-None-Match.
  public static let ifNoneMatch = CoAPOptionNumber(5)
  /// Observe (RFC 7641, Section 2).
  public static let observe = CoAPOptionNumber(6)
  /// Uri-Port.
  public static let uriPort = CoAPOptionNumber(7)
  /// Location-Path.
  public static let locationPath = CoAPOptionNumber(8)
  /// Uri-Path.
  public static let uriPath = CoAPOptionNumber(11)
  /// Content-Format.
  public static let contentFormat = CoAPOptionNumber(12)
  /// Max-Age, in seconds.
  public static let maxAge = CoAPOptionNumber(14)
  /// Uri-Query.
  public static let uriQuery = CoAPOptionNumber(15)
  /// Hop-Limit (RFC 8768, Section 3).
  public static let hopLimit = CoAPOptionNumber(16)
  /// Accept.
  public static let accept = CoAPOptionNumber(17)
  /// Q-Block1 (RFC 9177).
  public static let qBlock1 = CoAPOptionNumber(19)
  /// Location-Query.
  public static let locationQuery = CoAPOptionNumber(20)
  /// Block2 (RFC 7959, Section 2.1).
  public static let block2 = CoAPOptionNumber(23)
  /// Block1 (RFC 7959, Section 2.1).
  public static let block1 = CoAPOptionNumber(27)
  /// Size2 (RFC 7959, Section 4).
  public static let size2 = CoAPOptionNumber(28)
  /// Q-Block2 (RFC 9177).
  public static let qBlock2 = CoAPOptionNumber(31)
  /// Proxy-Uri.
  public static let proxyURI = CoAPOptionNumber(35)
  /// Proxy-Scheme.
  public static let proxyScheme = CoAPOptionNumber(39)
  /// Size1 (RFC 7252, Section 5.10.9).
  public static let size1 = CoAPOptionNumber(60)
}

extension CoAPOptionNumber {
  /// The critical options that the resources handle, without those for proxies (RFC 9132,
  /// Section 4; Q-Block1 and Q-Block2 aren't among them).
  static let understood: [CoAPOptionNumber] = [
    .ifMatch, .uriHost, .ifNoneMatch, .uriPort, .uriPath, .uriQuery, .accept, .block1, .block2,
  ]

  /// Whether the option is for proxies, which have an answer of their own (RFC 7252,
  /// Section 5.10.2).
  var isForProxies: Bool { self == .proxyURI || self == .proxyScheme }

  /// Whether requests that differ in the option alone are for the same: elective ones that are no
  /// part of the cache key (RFC 7252, Section 5.4.6).
  var isNoCacheKey: Bool { rawValue & 0x1E == 0x1C }
}

/// One option of a message: a number and its value.
public struct CoAPOption: Hashable, Sendable {
  /// Which option it is.
  public let number: CoAPOptionNumber
  /// The value as it stands in the message.
  public let value: [UInt8]

  /// An option with these bytes as its value.
  public init(_ number: CoAPOptionNumber, _ value: [UInt8]) {
    self.number = number
    self.value = value
  }

  /// An option with an unsigned integer as its value, without leading zero bytes (RFC 7252,
  /// Section 3.2).
  public init(_ number: CoAPOptionNumber, uint: UInt32) {
    self.number = number
    var bytes: [UInt8] = []
    bytes.append(bigEndian: uint)
    value = [UInt8](bytes.drop { $0 == 0 })
  }

  /// The value as an unsigned integer, leading zero bytes allowed; nil when it has more than four
  /// bytes.
  public var uint: UInt32? {
    guard value.count <= 4 else { return nil }
    return value.reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Whether the value's length is one that the option may have; true for an unknown option.
  public var hasKnownLength: Bool { number.lengths?.contains(value.count) ?? true }
}
