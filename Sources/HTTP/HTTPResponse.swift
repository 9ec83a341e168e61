import Bytes

/// The statuses of our answers; those of faults are `HTTPFault`'s.
public enum HTTPStatus {
  /// Here it is (RFC 9110, Section 15.3.1).
  public static let ok: UInt16 = 200
  /// It is elsewhere for now (RFC 9110, Section 15.4.3).
  public static let found: UInt16 = 302
  /// What came of a POST is elsewhere (RFC 9110, Section 15.4.4).
  public static let seeOther: UInt16 = 303
  /// It must not be done (RFC 9110, Section 15.5.4).
  public static let forbidden: UInt16 = 403
  /// There is no such thing (RFC 9110, Section 15.5.5).
  public static let notFound: UInt16 = 404
  /// It can't be answered now (RFC 9110, Section 15.6.4).
  public static let serviceUnavailable: UInt16 = 503
  /// The device is kept from the network (RFC 6585, Section 6).
  public static let networkAuthenticationRequired: UInt16 = 511
}

/// An answer; the connection is closed after it.
public struct HTTPResponse: Hashable, Sendable {
  /// The status.
  public var status: UInt16
  /// The fields, without those that `bytes` adds; names may have any case.
  public private(set) var fields: [HTTPField] = []
  /// The body.
  public var body: [UInt8]

  /// An answer without fields.
  public init(_ status: UInt16, body: [UInt8] = []) {
    self.status = status
    self.body = body
  }

  /// The answer to a request that is refused.
  public init(_ fault: HTTPFault) {
    self.init(fault.rawValue, body: Text("This request is refused.\n").bytes)
    if fault == .methodNotAllowed { add("Allow", "GET, HEAD, POST") }
    add("Content-Type", "text/plain")
    add("Cache-Control", "no-store")
  }

  /// Adds a field.
  ///
  /// Bytes of `value` that no value may have become question marks: nothing in it can end its line.
  public mutating func add(_ name: StaticString, _ value: Text) {
    let value = value.bytes.map { $0 < 0x20 || $0 > 0x7E ? 0x3F : $0 }
    fields.append(HTTPField(Text(stringLiteral: name), Text(value)))
  }

  /// The whole answer, without its body when it answers a HEAD.
  ///
  /// `wall` is nil where the time isn't known (RFC 9110, Section 6.6.1).
  public func bytes(withBody: Bool, wall: UnixTime?) -> [UInt8] {
    var result: Text = "HTTP/1.1 "
    result += Text(decimal: status) + " " + reason
    for field in fields { result += "\r\n" + field.name + ": " + field.value }
    if let wall { result += "\r\nDate: " + wall.httpDate }
    result += "\r\nContent-Length: " + Text(decimal: body.count)
    result += "\r\nConnection: close\r\n\r\n"
    return withBody ? result.bytes + body : result.bytes
  }

  /// A few words for people who read protocols; programs ignore it (RFC 9112, Section 4).
  private var reason: Text {
    switch status {
    case HTTPStatus.ok: "OK"
    case HTTPStatus.found: "Found"
    case HTTPStatus.seeOther: "See Other"
    case HTTPStatus.notFound: "Not Found"
    case HTTPStatus.networkAuthenticationRequired: "Network Authentication Required"
    default: "Refused"
    }
  }
}

extension UnixTime {
  /// As in `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, Section 5.6.7).
  var httpDate: Text {
    let date = CalendarDate(self)
    let weekday = Text([UInt8](Self.weekdays.bytes[date.weekday * 3..<date.weekday * 3 + 3]))
    let month = (Int(date.month) - 1) * 3
    let name = Text([UInt8](Self.months.bytes[month..<month + 3]))
    return weekday + ", " + padded(date.day, 2) + " " + name + " " + padded(date.year, 4) + " "
      + date.time + " GMT"
  }
  private static var weekdays: Text { "SunMonTueWedThuFriSat" }
  private static var months: Text { "JanFebMarAprMayJunJulAugSepOctNovDec" }
}
