import Bytes

/// The methods that are served (RFC 9110, Section 9.3).
public enum HTTPMethod: UInt8, Hashable, Sendable {
  case get = 1
  case head = 2
  case post = 3
}

/// One field of a header section.
public struct HTTPField: Hashable, Sendable {
  /// The name in lower case.
  public var name: Text
  /// The value without the white space around it.
  public var value: Text

  /// A field of these parts.
  public init(_ name: Text, _ value: Text) {
    self.name = name
    self.value = value
  }
}

/// A whole request that is within every limit.
public struct HTTPRequest: Hashable, Sendable {
  /// The method.
  public var method: HTTPMethod
  /// The path as it was sent: visible ASCII, beginning with a slash, not decoded.
  public var path: Text
  /// What follows the first question mark of the target, not decoded; empty when there is none.
  public var query: Text
  /// Name or address, and port if it was sent, in lower case; empty only in HTTP/1.0.
  public var host: Text
  /// The other fields, in their order.
  public var fields: [HTTPField]
  /// The body; empty unless the method is POST.
  public var body: [UInt8]

  /// A request of these parts.
  public init(
    method: HTTPMethod,
    path: Text,
    query: Text = "",
    host: Text,
    fields: [HTTPField] = [],
    body: [UInt8] = []
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.host = host
    self.fields = fields
    self.body = body
  }

  /// The value of the field `name`, in lower case; several are joined by commas (RFC 9110,
  /// Section 5.2); nil when there is none.
  public func value(of name: Text) -> Text? {
    var result: Text?
    for field in fields where field.name == name {
      if let before = result { result = before + ", " + field.value } else { result = field.value }
    }
    return result
  }
}
