import Bytes
import CoAP
import DOTS
import Firewall
import Mitigation
import Model

/// What the rooms are made of behind one session, without the rooms: requests become decisions,
/// decisions plans, plans the model kernel's table.
package struct RequestServer {
  package private(set) var engine: MitigationEngine
  package private(set) var firewall: Firewall
  package private(set) var kernel = ModelKernel()
  package var session: Session

  package init(settings: CoreSettings, home: Home, session: Session) {
    engine = MitigationEngine(settings: settings, home: home)
    firewall = Firewall(protection: Protection(sections: settings.protections))
    self.session = session
  }

  /// Lets time pass: what is over leaves the kernel, what goes on is renewed there.
  package mutating func advance(to now: Instant) throws(Broken) {
    if let due = engine.nextEvent, due <= now {
      let changes = engine.advanced(to: now)
      _ = engine.takeEndings()
      guard try commit(changes, now: now) == nil else { throw Broken("an end can't be planned") }
      if let next = engine.nextEvent, next <= now { throw Broken("the engine's time stands still") }
    }
    if let due = firewall.nextRenewal, due <= now {
      try carryOut(firewall.renew(now: now))
      engine.renewed()
    }
  }

  /// Decides about a request once time is up to date, and has the kernel do what follows.
  package mutating func outcome(
    of request: MitigationRequest,
    now: Instant
  ) throws(Broken) -> RequestOutcome {
    let decision = engine.received(
      request,
      from: session,
      now: now,
      wall: UnixTime(seconds: 1_780_000_000),
      surroundings: Surroundings(elementCount: { Firewall.elementCount(of: $0) })
    )
    switch decision {
    case .answer(let outcome): return outcome
    case .enforce(let changes):
      guard let error = try commit(changes, now: now) else { return engine.enforced() }
      return switch error {
      case .tooManyElements, .tooManyShapes: engine.refusedByKernel(isFull: true)
      case .nothingToMatch, .unknown: engine.refusedByKernel(isFull: false)
      }
    }
  }

  /// The answer to a message that came on the session; nil when there must be none.
  package mutating func answer(
    to message: CoAPMessage,
    now: Instant
  ) throws(Broken) -> CoAPMessage? {
    try advance(to: now)
    let request: DOTSRequest
    do throws(PeerError) { request = try DOTSRequest(message, role: session.role) } catch {
      return DOTSResponse(error).message
    }
    guard case .mitigation(let asked) = request else {
      if case .unmatched = request { return nil }
      return CoAPMessage(.changed)
    }
    return try outcome(of: asked, now: now).response(to: asked)?.message
  }

  /// Commits changes; gives why the plan is refused, in which case nothing changed.
  private mutating func commit(
    _ changes: [RuleChange],
    now: Instant
  ) throws(Broken) -> FirewallError? {
    let plan: [Operation]
    do throws(FirewallError) { plan = try firewall.apply(changes, now: now) } catch { return error }
    try carryOut(plan)
    return nil
  }

  private mutating func carryOut(_ plan: [Operation]) throws(Broken) {
    do { try kernel.commit(plan) } catch { throw Broken("the kernel refuses a plan: \(error)") }
  }

  /// The rules that are decided upon, by rising id.
  package func rules(at now: Instant) -> [Rule] {
    engine.plan(at: now).compactMap { change in
      guard case .install(let rule, _) = change else { return nil }
      return rule
    }
  }

  /// Finds what must hold at any moment and doesn't.
  package func check(at now: Instant) throws(Broken) {
    let rules = rules(at: now)
    guard rules.map({ $0.id }) == firewall.ids else {
      throw Broken("the firewall holds other mitigations than were decided upon")
    }
    for rule in rules where firewall.rule(of: rule.id) != rule {
      throw Broken("the firewall holds another rule than was decided upon")
    }
    guard kernel.exists == !firewall.isEmpty else { throw Broken("a table too many, or too few") }
    let counters = Set(kernel.counters.keys)
    guard rules.allSatisfy({ counters.contains($0.id.counter) }) else {
      throw Broken("the kernel lacks a mitigation")
    }
    guard counters.filter({ $0.hasPrefix("m") }).count == rules.count else {
      throw Broken("the kernel holds a mitigation too many")
    }
  }
}

/// A rule of ours that doesn't hold, whatever the peer did.
package struct Broken: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }

  /// Makes sure that something holds.
  package static func unless(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(Broken) {
    if !holds { throw Broken(otherwise()) }
  }
}
