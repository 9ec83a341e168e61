import Bytes

/// What RFC 9132 and the conformance rules fix.
enum Constants {
  /// Longest active-but-terminating period, in seconds (RFC 9132, Section 4.4.4).
  static let longestTermination: UInt32 = 300
  /// Time over which dropped bytes and packets are averaged (RFC 9132, Section 4.4.2).
  static let bucket = Span.seconds(300)
  /// Without a match for so long, an attack counts as stopped.
  static let quiet = Span.seconds(300)
  /// How long a preconfigured mitigation shows that it has ended before it waits again: time for four
  /// notifications (RFC 9132, Table 3).
  static let farewell = Span.seconds(20)
  /// How much longer than `retry-timer` a deactivated request is kept, in seconds (RFC 9132,
  /// Section 4.4.1.3).
  static let retryMargin: UInt32 = 45
  /// A withdrawal so long after the last revival starts with the configured period again.
  static let calm = Span.seconds(300)
  /// How long releases are remembered of a device that is in no quarantine.
  static let memory = Span.seconds(604_800)
  /// How long a code of the helpdesk is valid.
  static let codeLifetime = Span.seconds(86_400)
}

/// What this implementation bounds, and why.
enum Limits {
  /// Mitigations of all clients together, whatever their settings allow: memory.
  static let mitigations = 16_384
  /// Client identifiers that one `client` section uses at a time (RFC 9132, Section 11).
  static let clientIdentifiers = 256
  /// Entries of all lists of one scope: memory, and the work of comparing it.
  static let scopeEntries = 512
  /// Bytes of all names of one scope: they are stored and shown, nothing more.
  static let nameBytes = 4096
  /// Prefixes in one conflict's scope: the answer has to fit a datagram.
  static let sharedTargets = 32
  /// Endings that wait for the caller: two per mitigation are never needed at once.
  static let endings = 1024
  /// How often a terminating period can have doubled; 300 seconds are reached long before.
  static let flaps: UInt8 = 9
  /// Seconds to wait when changes come too fast: the bucket gains one by then.
  static let changeRetry: UInt32 = 1
  /// Longest wait that a client without room is told, in seconds.
  static let longestRetry: UInt32 = 300
  /// Seconds to wait for what this version can't do: the next update won't come sooner.
  static let unsupportedRetry: UInt32 = 86_400
  /// For how many seconds a client is sent to another server: slow links suffer from less.
  static let redirection: UInt32 = 3600
  /// Seconds to wait when the kernel is full.
  static let kernelRetry: UInt32 = 60
  /// `retry-timer` when the winning mitigation has no end.
  static let indefiniteRetry: UInt32 = 3600
  /// Seconds to wait for a device that the router doesn't know yet.
  static let deviceRetry: UInt32 = 60
  /// Devices that are remembered; the settings bound how many are in quarantine by requests.
  static let devices = 256
  /// Addresses of one device that are its second key.
  static let deviceAddresses = 32
  /// Single addresses of one rule up to which it follows devices; then the latest in place of others.
  static let followedSources = 64
  /// Devices behind the public address that one rule names; with more it is for any source.
  static let found = 32
  /// Flows that are asked for one by one, some microseconds each; for more the kernel shows all that
  /// it tracks.
  static let answers = 64
  /// Devices that one look at flows notes, of all mitigations.
  static let sightings = 1024
  /// Readings of one device in five minutes, at one in ten seconds and some by requests.
  static let samples = 64
  /// Wishes of one device in `wishWindow`: enough for who reads the page, few for who guesses.
  static let wishes: UInt8 = 10
  static let wishWindow = Span.seconds(60)
  /// Wrong codes after which the right one is void.
  static let misses: UInt8 = 5
  /// Causes of a quarantine that its page tells.
  static let causes = 4
}
