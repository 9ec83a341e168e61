import Bytes
import Model

extension Firewall {
  /// What the value holds under one key of bytes: something of a mitigation's, or of a device's in
  /// quarantine.
  ///
  /// One kind of dictionary for all of them, with one word each: dictionaries of many types cost
  /// kilobytes of code each. None ever changes: another takes its place.
  enum Item: Equatable, Sendable {
    case entry(Entry)
    case claim(Claim)
    case gate(Gate)
    /// Nothing: before an event.
    case nothing
  }

  /// One mitigation, or one device in quarantine.
  final class Entry: Sendable {
    let holder: Holder
    /// What installed it.
    let change: RuleChange
    /// Nil: no end.
    let until: Instant?
    /// When the kernel ends it, unless renewed.
    let kernelUntil: Instant
    let cells: [Cell]
    /// The rules of its chain; empty: there is no chain.
    let lines: [Text]

    init(
      _ holder: Holder,
      _ change: RuleChange,
      until: Instant?,
      kernelUntil: Instant,
      _ cells: [Cell],
      _ lines: [Text]
    ) {
      self.holder = holder
      self.change = change
      self.until = until
      self.kernelUntil = kernelUntil
      self.cells = cells
      self.lines = lines
    }
  }

  /// Who wants one cell, in the order in which they came; at least one, the first counts.
  final class Claim: Sendable {
    let cell: Cell
    let holders: [Holder]

    init(_ cell: Cell, _ holders: [Holder]) {
      self.cell = cell
      self.holders = holders
    }
  }

  /// One element of a gate.
  final class Gate: Sendable {
    let place: GatePlace
    /// To how many cells it leads.
    let cells: Int
    /// Never before the last of the cells; stays when that one goes, since a gate does nothing alone.
    let until: Instant

    init(_ place: GatePlace, cells: Int, until: Instant) {
      self.place = place
      self.cells = cells
      self.until = until
    }
  }

  /// A kind of keys that is in use, and by how many.
  struct ShapeUse: Equatable {
    let shape: Shape
    var count: Int
  }
}

extension Firewall.Entry: Equatable {
  static func == (left: Firewall.Entry, right: Firewall.Entry) -> Bool {
    left.holder == right.holder && left.change == right.change && left.until == right.until
      && left.kernelUntil == right.kernelUntil && left.cells == right.cells
      && left.lines == right.lines
  }
}

extension Firewall.Claim: Equatable {
  static func == (left: Firewall.Claim, right: Firewall.Claim) -> Bool {
    left.cell == right.cell && left.holders == right.holders
  }
}

extension Firewall.Gate: Equatable {
  static func == (left: Firewall.Gate, right: Firewall.Gate) -> Bool {
    left.place == right.place && left.cells == right.cells && left.until == right.until
  }
}

extension Firewall.Entry {
  /// Whether the kernel ends it too early unless renewed.
  var outlivesKernel: Bool { until.map { kernelUntil < $0 } ?? true }

  /// The rate of the mitigation's limit object; nil when it has none.
  var limitInUse: UInt64? {
    guard !lines.isEmpty, case .install(let rule, _) = change else { return nil }
    return rule.verdict.rate
  }
}

extension RuleChange {
  /// For whom it installs something; nil when it installs nothing.
  var holder: Holder? {
    switch self {
    case .install(let rule, _): Holder(rule.id)
    case .quarantine(let quarantine, _): Holder(quarantine.mac)
    case .renew, .remove, .release: nil
    }
  }

  /// For how long; nil: no end.
  var remaining: Span? {
    switch self {
    case .install(_, let remaining), .quarantine(_, let remaining), .renew(_, let remaining):
      remaining
    case .remove, .release: nil
    }
  }

  /// What the kernel keeps beside the counter.
  var journal: [UInt8] {
    switch self {
    case .install(let rule, _): rule.journal
    case .quarantine(let quarantine, _): quarantine.journal
    case .renew, .remove, .release: []
    }
  }

  /// Whether both install the same, but for the journal, which the kernel never changes, and the time.
  func installsSame(as other: RuleChange) -> Bool {
    switch (self, other) {
    case (.install(var rule, _), .install(let other, _)):
      rule.journal = other.journal
      return rule == other
    case (.quarantine(let quarantine, _), .quarantine(let other, _)):
      return quarantine.mac == other.mac && quarantine.addresses == other.addresses
    default: return false
    }
  }
}
