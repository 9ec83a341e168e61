import Bytes
import Model

/// What the segments of a request's path name (RFC 9132, Section 4.2).
enum ResourcePath: Hashable {
  case mitigate(cuid: Text?, cdid: Text?, mid: UInt32?)
  case configuration(sid: UInt32?)
  case heartbeat
  case redirect

  /// The segments of every path: the well-known prefix.
  private static let prefix: [Text] = [".well-known", "dots"]

  /// Resources of other steps and RFCs, known but not served.
  private static let notServed: [Text] = ["tm-setup", "tm"]

  /// Parses the segments, which compare byte by byte (RFC 7252, Section 6.5).
  init(_ segments: [Text]) throws(PeerError) {
    guard segments.count > 2, segments[0] == Self.prefix[0], segments[1] == Self.prefix[1] else {
      throw PeerError(.unknownResource)
    }
    let name = segments[2]
    var parameters = PathParameters(segments.dropFirst(3))
    if name == "mitigate" {
      let cdid = try parameters.text("cdid=", limit: nil)
      let cuid = try parameters.text("cuid=", limit: Limits.cuidLength)
      self = .mitigate(cuid: cuid, cdid: cdid, mid: try parameters.number("mid="))
    } else if name == "config" {
      self = .configuration(sid: try parameters.number("sid="))
    } else if name == "hb" {
      self = .heartbeat
    } else if name == "redirect" {
      // RFC 9066, Figure 9 has both, its text neither.
      _ = try parameters.text("cuid=", limit: Limits.cuidLength)
      _ = try parameters.number("mid=")
      self = .redirect
    } else {
      throw PeerError(Self.notServed.contains(name) ? .resourceNotServed : .unknownResource)
    }
    try parameters.end()
  }

  /// The segments.
  var segments: [Text] {
    switch self {
    case .mitigate(let cuid, let cdid, let mid):
      var segments = Self.prefix + ["mitigate"]
      if let cdid { segments.append("cdid=" + cdid) }
      if let cuid { segments.append("cuid=" + cuid) }
      if let mid { segments.append("mid=" + Text(decimal: mid)) }
      return segments
    case .configuration(let sid):
      return Self.prefix + ["config"] + (sid.map { ["sid=" + Text(decimal: $0)] } ?? [])
    case .heartbeat: return Self.prefix + ["hb"]
    case .redirect: return Self.prefix + ["redirect"]
    }
  }
}

/// Takes parameters off the front of a path; their order is fixed (RFC 9132, Section 4.4.1.1).
private struct PathParameters {
  private var rest: ArraySlice<Text>

  init(_ segments: ArraySlice<Text>) { rest = segments }

  /// The position of the next segment in the whole path, counted from 1.
  private var position: UInt64 { UInt64(rest.startIndex + 1) }

  /// Takes the value of the parameter `name` if it is next: text of at most `limit` bytes.
  mutating func text(_ name: Text, limit: Int?) throws(PeerError) -> Text? {
    guard let segment = rest.first, segment.hasPrefix(name) else { return nil }
    let value = segment.dropFirst(name.count)
    guard !value.isEmpty, value.count <= limit ?? .max, value.isUTF8 else {
      throw PeerError(.pathValue, position)
    }
    rest = rest.dropFirst()
    return value
  }

  /// Takes the value of the parameter `name` if it is next: a number in canonical form.
  mutating func number(_ name: Text) throws(PeerError) -> UInt32? {
    let position = position
    guard let text = try text(name, limit: nil) else { return nil }
    guard let number = text.decimal(as: UInt32.self) else {
      throw PeerError(.pathNumber, position)
    }
    return number
  }

  /// Makes sure that nothing is left.
  func end() throws(PeerError) {
    guard rest.isEmpty else { throw PeerError(.pathSegment, position) }
  }
}
