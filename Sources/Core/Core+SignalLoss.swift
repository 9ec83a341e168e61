import Bytes
import Link
import Linux
import Mitigation
import Model

/// Clients that have no session: what they prepared for that begins unless they are back in time
/// (RFC 9132, Section 4.7).
extension Core {
  /// How long clients may be away whose sessions ended on this side: the time in which their silence
  /// is noticed that negotiated nothing.
  private static let patience = Span.seconds(30 * 15)
  /// Before the next try to begin what the kernel had no room for.
  private static let lossRetry = Span.seconds(10)

  /// A client's session is over; unless it has another, it counts as lost when so much time has passed.
  func expect(_ section: Text, for patience: Span) {
    for known in sessions where engine.client(for: known.session)?.section == section { return }
    guard losses.expect(section, due: Clock.now + patience) || patience == .zero else { return }
    if patience == .zero {
      signalsLost(Clock.now)
    } else if !engine.prepared(by: section).isEmpty {
      let seconds = patience.milliseconds / 1000
      log.info("\(section) has no session: what it prepared begins in \(seconds) s without it")
    }
  }

  /// A client has no session any more through no fault of its own.
  func expect(_ section: Text) { expect(section, for: Self.patience) }

  /// Begins what those have prepared who count as lost now.
  func signalsLost(_ now: Instant) {
    advance(to: now)
    while let loss = losses.takeDue(now) {
      begin(loss.section, only: loss.only, now: now)
      // All at once, so that nothing of it is late. One for which there is no room must not keep the
      // others from it.
      if loss.only == nil {
        for id in engine.prepared(by: loss.section) { begin(loss.section, only: id, now: now) }
      }
      for id in engine.prepared(by: loss.section) where loss.only ?? id == id {
        losses.retry(id, of: loss.section, due: now + Self.lossRetry)
      }
    }
  }

  private func begin(_ section: Text, only id: MitigationID?, now: Instant) {
    let wall = Clock.wall
    guard let decision = engine.signalLost(by: section, only: id, now: now, wall: wall) else {
      return
    }
    let outcome: RequestOutcome
    switch decision {
    case .answer(let answer): outcome = answer
    case .enforce(let changes): outcome = enforce(journalled(changes, now: now), now: now)
    }
    logEndings()
    store.changed()
    guard case .changed = outcome else { return }
    flowsReadAt = now
    log.warning("\(section) is not heard any more: what it prepared for that begins")
  }
}
