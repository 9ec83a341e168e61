import Bytes
import Link

/// Where the names of the garden lead to, and when which of them is looked up again.
///
/// A name whose look-up fails keeps the addresses that it had.
struct GardenNames {
  /// From the end of one round to the next.
  static let interval = Span.seconds(300)
  /// The same while there is a name without any address: the way out may just not be there yet.
  static let firstInterval = Span.seconds(30)

  private var names: [Text] = []
  /// Of each name; nil: not known yet.
  private var found: [[IPAddress]?] = []
  /// The one that is looked up next, or now.
  private var next = 0
  private(set) var isAsking = false
  /// When the next question may be asked; nil while there is none, or while one is out.
  private(set) var due: Instant?

  /// Other names from now on; those that stay keep their addresses.
  mutating func replace(_ new: [Text], now: Instant) {
    found = new.map { name in names.firstIndex(of: name).flatMap { found[$0] } }
    names = new
    next = 0
    // An answer that is out belongs to a name of before.
    due = names.isEmpty || isAsking ? nil : now
  }

  /// The name to look up now.
  mutating func ask(now: Instant) -> Text? {
    guard let moment = due, moment <= now, next < names.count else { return nil }
    due = nil
    isAsking = true
    return names[next]
  }

  /// The look-up of `name` has ended, with its addresses or nil.
  mutating func answered(_ name: Text, _ addresses: [IPAddress]?, now: Instant) {
    isAsking = false
    if let addresses, !addresses.isEmpty, let index = names.firstIndex(of: name) {
      found[index] = addresses
    }
    if next < names.count, names[next] == name { next += 1 }
    due = names.isEmpty ? nil : now
    guard next >= names.count else { return }
    next = 0
    if !names.isEmpty {
      due = now + (found.contains { $0 == nil } ? Self.firstInterval : Self.interval)
    }
  }

  /// All addresses, in the order of their names: as many as core takes.
  var addresses: [IPAddress] {
    var all: [IPAddress] = []
    for addresses in found { all += addresses ?? [] }
    return [IPAddress](all.unique().prefix(CoreSetup.maximumGarden))
  }
}
