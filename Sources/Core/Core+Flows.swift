import Bytes
import Firewall
import Linux
import Mitigation
import Model
import Netlink

// The devices behind the router's public address: found by their connections, and by what was stopped.
extension Core {
  /// How often senders are read, and lost events are made good.
  private static let flowInterval = Span.seconds(1)
  /// How long new connections are still heard of when they matter no more: to stop takes the kernel ten
  /// milliseconds, which the next request would wait for.
  private static let afterFlows = Span.seconds(10)

  /// Shows the connections that a request means; those that begin are heard of from now on.
  ///
  /// Where few are meant the kernel is asked for them alone, which takes no longer the more there are.
  /// What it doesn't find so may be in another zone: all are looked at soon, after the answer.
  func showMeantFlows(to watch: FlowWatch) {
    let answers = watch.answers
    if answers.isEmpty { return showFlows(to: watch) }
    hearFlows()
    do {
      for answer in answers {
        if let flow = try kernel.flows.flow(with: answer) { watch.look(at: flow) }
      }
    } catch {
      log.warning("can't ask for connections: \(error)")
    }
    if !watch.isSatisfied { flowsReadAt = flowsReadAt ?? Clock.now + Self.flowInterval }
  }

  /// Shows the connections that there are; those that begin are heard of from now on.
  @inline(never)
  private func showFlows(to watch: FlowWatch) {
    hearFlows()
    do {
      try kernel.flows.read(
        to: watch.onlyTarget,
        isEnough: { watch.isSatisfied },
        { watch.look(at: $0) }
      )
    } catch {
      log.warning("can't read connections: \(error)")
    }
  }

  @inline(never)
  private func hearFlows() {
    guard flowMonitor == nil else { return }
    guard let monitor = try? FlowMonitor(),
      (try? poller.add(number: monitor.descriptor, token: Token.flowEvents)) != nil
    else {
      log.warning("can't hear of new connections")
      return
    }
    flowMonitor = monitor
  }

  /// Hears of connections while they matter, and looks at what is due.
  func watchFlows(_ now: Instant) {
    guard engine.watchesFlows else {
      flowsReadAt = nil
      sendersReadAt = nil
      guard flowMonitor != nil else { return }
      let due = flowsLeftAt ?? now + Self.afterFlows
      flowsLeftAt = due
      guard due <= now else { return }
      // Closed, its socket is watched no more.
      flowMonitor = nil
      flowsLeftAt = nil
      return
    }
    flowsLeftAt = nil
    hearFlows()
    if let due = flowsReadAt, due <= now {
      flowsReadAt = nil
      let watch = engine.flowWatch()
      showFlows(to: watch)
      looked(watch, .conntrack, now)
    }
    readSenders(now)
  }

  /// Connections began.
  func flowsBegan() {
    guard let flowMonitor else { return }
    let now = Clock.now
    let watch = engine.flowWatch()
    let isWhole = (try? flowMonitor.read { watch.look(at: $0) }) ?? false
    if !isWhole { flowsReadAt = flowsReadAt ?? now + Self.flowInterval }
    looked(watch, .event, now)
  }

  private func readSenders(_ now: Instant) {
    guard engine.watchesSenders else {
      sendersReadAt = nil
      return
    }
    if let due = sendersReadAt, due > now { return }
    sendersReadAt = now + Self.flowInterval
    let watch = engine.flowWatch()
    engine.noted(kernel.senders(), in: watch, surroundings: surroundings(asking: false))
    looked(watch, .seen, now)
  }

  /// Looks at all connections where changes have a mitigation begin: while it waited, those that began
  /// weren't heard of.
  func findAnew(_ changes: [RuleChange], now: Instant) {
    for case .install in changes { flowsReadAt = now }
  }

  /// Has the kernel carry out changes, and forget the connections that they stop.
  @inline(never)
  func commit(_ changes: [RuleChange], now: Instant) throws(KernelFault) {
    let kernel = kernel
    let watch = FlowWatch(stoppedBy: changes, in: engine.home) {
      kernel.firewall.quarantine(of: $0)?.addresses ?? []
    }
    try kernel.commit(changes, now: now)
    forgetFlows(watch)
  }

  /// Has the kernel forget the connections whose packets it stops from now on, where they may be
  /// offloaded: they would pass by all rules.
  func forgetFlows(_ watch: FlowWatch) {
    guard !watch.isIdle, engine.settings.flushesOffload || kernel.flows.mayBeOffloaded else {
      return
    }
    do { try kernel.flows.forget(to: watch.onlyTarget) { watch.concerns($0) } } catch {
      log.warning("can't make the kernel forget connections: \(error)")
    }
  }

  /// Some devices are left alone until their owner agrees.
  @inline(never)
  func tellQuestions() {
    guard engine.awaitsConsent else { return }
    log.info("a device waits for the owner's consent (cordonctl mitigations, consent)")
  }

  @inline(never)
  private func looked(_ watch: FlowWatch, _ evidence: DeviceEvidence, _ now: Instant) {
    let surroundings = surroundings(asking: false)
    let changes = engine.looked(watch, evidence, now: now, surroundings: surroundings)
    if changes.isEmpty { return }
    log.info("found who sends what is to be stopped")
    carryOut(changes, now: now)
    tellQuestions()
    // The kernel knows nothing any more of one that is about no other than who is asked about.
    for case .remove in changes {
      save()
      break
    }
    neighboursReadAt = neighboursReadAt ?? now
  }
}
