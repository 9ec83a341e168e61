import Bytes

/// Implementation limits of a request: what a browser or a probe needs, and no more, because every
/// connection holds as much memory.
public enum HTTPLimits {
  /// Bytes of the request line with its end.
  public static let requestLine = 4096
  /// Bytes of the request line and the header section together.
  public static let header = 8192
  /// Fields of the header section.
  public static let fields = 64
  /// Bytes of the body of a POST.
  public static let body = 1024
  /// Bytes of a host with its port: the longest name of DNS, and a port.
  public static let host = 262
}

/// Why a request is refused; the raw value is the status of the answer.
public enum HTTPFault: UInt16, Hashable, Sendable, Error, CaseIterable {
  /// Something is malformed, or could be understood in two ways.
  case badRequest = 400
  /// The method is none of those that are served.
  case methodNotAllowed = 405
  /// It didn't come in time; for the caller, who has the clock.
  case requestTimeout = 408
  /// A POST doesn't say how long its body is.
  case lengthRequired = 411
  /// The body is too long.
  case contentTooLarge = 413
  /// The request line is too long.
  case targetTooLong = 414
  /// The client waits for a 100, which never comes.
  case expectationFailed = 417
  /// The header section is too long, or has too many fields.
  case fieldsTooLarge = 431
  /// The body is sent with a transfer coding.
  case notImplemented = 501
  /// It is neither HTTP/1.1 nor HTTP/1.0.
  case versionNotSupported = 505
}

/// Reads one request of a connection (RFC 9112) and nothing after it.
///
/// What could be understood in two ways, and so carry a second request past whoever reads the first,
/// is refused: lone CR or LF, folded lines, white space before a colon, transfer codings, several
/// lengths or hosts.
public struct HTTPRequestReader: Sendable {
  /// What is known after some bytes.
  public enum Progress: Hashable, Sendable {
    /// More must come; after the first request or fault: for ever.
    case incomplete
    /// The request.
    case request(HTTPRequest)
    /// Answer with this fault, and close.
    case refused(HTTPFault)
  }

  private enum State {
    case line, fields, body, done
  }

  private var state = State.line
  /// What has come of the line, or of the body.
  private var pending: [UInt8] = []
  /// Bytes of the lines before.
  private var consumed = 0
  private var isOld = false
  private var bodyLength: Int?
  private var hasHost = false
  private var request = HTTPRequest(method: .get, path: "", host: "")

  /// Nothing has come yet.
  public init() {}

  /// Whether not one byte has come.
  public var isEmpty: Bool { state == .line && pending.isEmpty }

  /// Takes the next bytes of the connection.
  public mutating func receive(_ bytes: [UInt8]) -> Progress {
    for byte in bytes {
      if state == .done { break }
      do {
        if try take(byte) {
          state = .done
          pending = []
          return .request(request)
        }
      } catch {
        state = .done
        pending = []
        return .refused(error)
      }
    }
    return .incomplete
  }

  /// Whether `byte` completes the request.
  private mutating func take(_ byte: UInt8) throws(HTTPFault) -> Bool {
    guard state == .body else {
      guard pending.count < HTTPLimits.requestLine || state != .line else { throw .targetTooLong }
      guard consumed + pending.count < HTTPLimits.header else { throw .fieldsTooLarge }
      let follows = pending.last == 0x0D
      guard byte == 0x0A || !follows else { throw .badRequest }
      if byte == 0x0A {
        guard follows else { throw .badRequest }
        return try endLine()
      }
      guard byte >= 0x20 && byte != 0x7F || byte == 0x0D || byte == 0x09 else { throw .badRequest }
      pending.append(byte)
      return false
    }
    pending.append(byte)
    return endBody()
  }

  private mutating func endLine() throws(HTTPFault) -> Bool {
    pending.removeLast()
    let line = pending
    consumed += line.count + 2
    pending = []
    if state == .line {
      try readRequestLine(line)
      state = .fields
      return false
    }
    guard line.isEmpty else {
      try readField(line)
      return false
    }
    guard hasHost || isOld else { throw .badRequest }
    if request.method == .post, bodyLength == nil { throw .lengthRequired }
    state = .body
    return endBody()
  }

  private mutating func endBody() -> Bool {
    guard pending.count >= bodyLength ?? 0 else { return false }
    request.body = pending
    return true
  }

  private mutating func readRequestLine(_ line: [UInt8]) throws(HTTPFault) {
    let parts = Text(line).split(0x20)
    guard parts.count == 3 else { throw .badRequest }
    try readVersion(parts[2])
    guard !parts[0].isEmpty, parts[0].bytes.allSatisfy(isTokenByte) else { throw .badRequest }
    switch parts[0] {
    case "GET": request.method = .get
    case "HEAD": request.method = .head
    case "POST": request.method = .post
    default: throw .methodNotAllowed
    }
    let target = parts[1].bytes
    // No absolute form: nobody has set this router as a proxy.
    guard target.first == 0x2F, target.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }) else {
      throw .badRequest
    }
    let path = target.prefix { $0 != 0x3F }
    request.path = Text([UInt8](path))
    request.query = Text([UInt8](target.dropFirst(path.count + 1)))
  }

  private mutating func readVersion(_ version: Text) throws(HTTPFault) {
    guard version != "HTTP/1.1" else { return }
    let bytes = version.bytes
    guard version.hasPrefix("HTTP/"), bytes.count == 8, bytes[6] == 0x2E, isDigit(bytes[5]),
      isDigit(bytes[7])
    else { throw .badRequest }
    guard version == "HTTP/1.0" else { throw .versionNotSupported }
    isOld = true
  }

  private mutating func readField(_ line: [UInt8]) throws(HTTPFault) {
    guard let colon = line.firstIndex(of: 0x3A), colon > 0,
      line[..<colon].allSatisfy(isTokenByte)
    else { throw .badRequest }
    let name = Text([UInt8](line[..<colon])).asciiLowercased
    let value = Text(trimmed(line[(colon + 1)...]))
    switch name {
    case "host": try readHost(value)
    case "content-length": try readLength(value)
    case "transfer-encoding": throw .notImplemented
    case "expect": throw .expectationFailed
    default:
      guard request.fields.count < HTTPLimits.fields else { throw .fieldsTooLarge }
      request.fields.append(HTTPField(name, value))
    }
  }

  private mutating func readHost(_ value: Text) throws(HTTPFault) {
    guard !hasHost, value.count <= HTTPLimits.host, value.bytes.allSatisfy(isHostByte) else {
      throw .badRequest
    }
    hasHost = true
    request.host = value.asciiLowercased
  }

  private mutating func readLength(_ value: Text) throws(HTTPFault) {
    // Digits and nothing else: no sign, no list of equal values.
    guard bodyLength == nil, !value.isEmpty, value.bytes.allSatisfy(isDigit) else {
      throw .badRequest
    }
    guard let length = value.decimal(as: UInt16.self), length <= HTTPLimits.body else {
      throw .contentTooLarge
    }
    guard length == 0 || request.method == .post else { throw .badRequest }
    bodyLength = Int(length)
  }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
  isDigit(byte) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
}

/// RFC 9110, Section 5.6.2.
private func isTokenByte(_ byte: UInt8) -> Bool {
  if isLetterOrDigit(byte) { return true }
  return switch byte {
  case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
  default: false
  }
}

/// What names, addresses, brackets and ports are made of.
private func isHostByte(_ byte: UInt8) -> Bool {
  if isLetterOrDigit(byte) { return true }
  return switch byte {
  case 0x25, 0x2D, 0x2E, 0x3A, 0x5B, 0x5D, 0x5F, 0x7E: true
  default: false
  }
}

/// Without spaces and tabs at both ends.
func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
  var end = bytes.endIndex
  while end > bytes.startIndex, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 { end -= 1 }
  var start = bytes.startIndex
  while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
  return [UInt8](bytes[start..<end])
}
