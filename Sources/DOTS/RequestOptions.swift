import Bytes
import CoAP
import Model

/// The Content-Format of DOTS messages (RFC 9132, Section 10.4).
let dotsContentFormat: UInt16 = 271

/// What the options of a request ask for, beside its path.
struct RequestOptions {
  /// Which attributes a retrieval wants.
  private(set) var content = ContentFilter.all
  /// If-Match with an empty value: the resource has to exist, so it is an efficacy update.
  let isEfficacyUpdate: Bool
  /// If-Match with entity tags alone: none of ours, so the request matches nothing.
  let matchesNothing: Bool
  /// If-None-Match: the resource must not exist.
  let mustBeNew: Bool

  /// Reads and checks the options of a request on `path`, which are the same for all methods but
  /// for the conditional ones.
  init(_ message: CoAPMessage, on path: ResourcePath) throws(PeerError) {
    let tags = message.ifMatch
    isEfficacyUpdate = tags.contains { $0.isEmpty }
    matchesNothing = !tags.isEmpty && !tags.contains { $0.isEmpty }
    mustBeNew = message.hasIfNoneMatch
    if let format = message.contentFormat, format != dotsContentFormat {
      throw PeerError(.contentFormat, UInt64(format))
    }
    if let format = message.accept, format != dotsContentFormat {
      throw PeerError(.accept, UInt64(format))
    }
    try readQuery(message, on: path)
    if case .mitigate = path { try Self.checkHopLimit(message) }
    let isMitigation = if case .mitigate = path { message.code == .put } else { false }
    guard isMitigation || (tags.isEmpty && !mustBeNew), tags.isEmpty || !mustBeNew else {
      throw PeerError(.conditional)
    }
  }

  private mutating func readQuery(
    _ message: CoAPMessage,
    on path: ResourcePath
  ) throws(PeerError) {
    let query = message.uriQuery
    guard let first = query.first else { return }
    guard case .mitigate = path, message.code == .get, query.count == 1, first.hasPrefix("c=")
    else { throw PeerError(.query) }
    guard let filter = ContentFilter(query: first) else { throw PeerError(.contentFilter) }
    content = filter
  }

  /// Reads the first Hop-Limit; a value of no byte counts as 0, one of too many as too large,
  /// although other elective options of wrong length count as absent (RFC 8768, Section 3).
  private static func checkHopLimit(_ message: CoAPMessage) throws(PeerError) {
    guard let option = message.options.first(where: { $0.number == .hopLimit }) else { return }
    guard let limit = option.uint, (1...255).contains(limit) else { throw PeerError(.hopLimit) }
  }
}

extension ContentFilter {
  /// The filter that a Uri-Query names.
  fileprivate init?(query: Text) {
    if query == "c=c" {
      self = .configuration
    } else if query == "c=n" {
      self = .nonConfiguration
    } else if query == "c=a" {
      self = .all
    } else {
      return nil
    }
  }

  /// The Uri-Query; nil for the default.
  var query: Text? {
    switch self {
    case .configuration: "c=c"
    case .nonConfiguration: "c=n"
    case .all: nil
    }
  }
}
