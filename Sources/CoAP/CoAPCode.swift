import Bytes

/// The code of a message: a method, a response code, or 0.00 for an empty message (RFC 7252,
/// Section 3).
public struct CoAPCode: Hashable, Sendable {
  /// The class in the upper three bits and the detail in the lower five.
  public let rawValue: UInt8

  /// A code from its byte.
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// The code `major`.`detail`; bits that don't fit are dropped.
  public init(_ major: UInt8, _ detail: UInt8) { rawValue = major << 5 | detail & 31 }

  /// The class: 0 request, 2 success, 4 client error, 5 server error.
  public var major: UInt8 { rawValue >> 5 }

  /// The detail within the class.
  public var detail: UInt8 { rawValue & 31 }

  /// Whether the code is that of an empty message.
  public var isEmpty: Bool { rawValue == 0 }

  /// Whether the code is a method, known or not.
  public var isRequest: Bool { major == 0 && !isEmpty }

  /// Whether the code is a response code, known or not; the classes 1, 6 and 7 are reserved
  /// (RFC 7252, Section 12.1), but for signals on a stream, which are of class 7.
  public var isResponse: Bool { (2...5).contains(major) }

  /// Whether the code is of a message about the stream itself, known or not (RFC 8323, Section 5.1).
  public var isSignal: Bool { major == 7 }
}

extension CoAPCode {
  /// 0.00: the empty message.
  public static let empty = CoAPCode(0, 0)
  /// 0.01 GET.
  public static let get = CoAPCode(0, 1)
  /// 0.02 POST.
  public static let post = CoAPCode(0, 2)
  /// 0.03 PUT.
  public static let put = CoAPCode(0, 3)
  /// 0.04 DELETE.
  public static let delete = CoAPCode(0, 4)

  /// 2.01 Created.
  public static let created = CoAPCode(2, 1)
  /// 2.02 Deleted.
  public static let deleted = CoAPCode(2, 2)
  /// 2.03 Valid.
  public static let valid = CoAPCode(2, 3)
  /// 2.04 Changed.
  public static let changed = CoAPCode(2, 4)
  /// 2.05 Content.
  public static let content = CoAPCode(2, 5)
  /// 2.31 Continue (RFC 7959, Section 2.9.1).
  public static let `continue` = CoAPCode(2, 31)

  /// 4.00 Bad Request.
  public static let badRequest = CoAPCode(4, 0)
  /// 4.01 Unauthorized.
  public static let unauthorized = CoAPCode(4, 1)
  /// 4.02 Bad Option.
  public static let badOption = CoAPCode(4, 2)
  /// 4.03 Forbidden.
  public static let forbidden = CoAPCode(4, 3)
  /// 4.04 Not Found.
  public static let notFound = CoAPCode(4, 4)
  /// 4.05 Method Not Allowed.
  public static let methodNotAllowed = CoAPCode(4, 5)
  /// 4.06 Not Acceptable.
  public static let notAcceptable = CoAPCode(4, 6)
  /// 4.08 Request Entity Incomplete (RFC 7959, Section 2.9.2).
  public static let requestEntityIncomplete = CoAPCode(4, 8)
  /// 4.09 Conflict (RFC 8132, Section 4).
  public static let conflict = CoAPCode(4, 9)
  /// 4.12 Precondition Failed.
  public static let preconditionFailed = CoAPCode(4, 12)
  /// 4.13 Request Entity Too Large.
  public static let requestEntityTooLarge = CoAPCode(4, 13)
  /// 4.15 Unsupported Content-Format.
  public static let unsupportedContentFormat = CoAPCode(4, 15)
  /// 4.22 Unprocessable Entity (RFC 8132, Section 4).
  public static let unprocessableEntity = CoAPCode(4, 22)

  /// 5.00 Internal Server Error.
  public static let internalServerError = CoAPCode(5, 0)
  /// 5.03 Service Unavailable.
  public static let serviceUnavailable = CoAPCode(5, 3)
  /// 5.05 Proxying Not Supported.
  public static let proxyingNotSupported = CoAPCode(5, 5)
  /// 5.08 Hop Limit Reached (RFC 8768, Section 3).
  public static let hopLimitReached = CoAPCode(5, 8)
}

extension CoAPCode {
  /// 7.01 CSM: capabilities and settings (RFC 8323, Section 5.3).
  public static let settings = CoAPCode(7, 1)
  /// 7.02 Ping (RFC 8323, Section 5.4).
  public static let ping = CoAPCode(7, 2)
  /// 7.03 Pong (RFC 8323, Section 5.4).
  public static let pong = CoAPCode(7, 3)
  /// 7.04 Release (RFC 8323, Section 5.5).
  public static let release = CoAPCode(7, 4)
  /// 7.05 Abort (RFC 8323, Section 5.6).
  public static let abort = CoAPCode(7, 5)
}

extension CoAPCode: CustomTextConvertible {
  /// The code as the RFC writes it, with a two-digit detail: `4.04`.
  public var text: Text {
    let zero: Text = detail < 10 ? "0" : ""
    return "\(major).\(zero)\(detail)"
  }
}
