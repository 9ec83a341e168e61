import Bytes
import Link
import Linux
import Mitigation
import Model

/// Clients that have no session: what they prepared for that begins unless they are back in time
/// (RFC 9132, Section 4.7).
extension Core {
  /// A client without a session.
  struct Loss {
    let section: Text
    /// When it counts as lost.
    let due: Instant
  }

  /// How long clients may be away whose sessions ended on this side: the time in which their silence
  /// is noticed that negotiated nothing.
  private static let patience = Span.seconds(30 * 15)
  /// Before the next try to begin what the kernel had no room for.
  private static let lossRetry = Span.seconds(10)

  /// When the next client counts as lost.
  var nextLoss: Instant? {
    var next: Instant?
    for loss in losses { next = min(next ?? loss.due, loss.due) }
    return next
  }

  /// A client's session is over; unless it has another, it counts as lost when so much time has passed.
  func expect(_ section: Text, for patience: Span) {
    for known in sessions where engine.client(for: known.session)?.section == section { return }
    heard(section)
    losses.append(Loss(section: section, due: Clock.now + patience))
    if patience == .zero {
      signalsLost(Clock.now)
    } else if !engine.prepared(by: section).isEmpty {
      let seconds = patience.milliseconds / 1000
      log.info("\(section) has no session: what it prepared begins in \(seconds) s without it")
    }
  }

  /// A client has a session.
  func heard(_ section: Text) { losses.removeAll { $0.section == section } }

  /// All sessions are over, through no fault of the clients.
  func expectEverybody() {
    losses = []
    for client in engine.settings.clients where !engine.prepared(by: client.section).isEmpty {
      expect(client.section, for: Self.patience)
    }
  }

  /// Begins what those have prepared who count as lost now.
  func signalsLost(_ now: Instant) {
    let due = losses.filter { $0.due <= now }
    guard !due.isEmpty else { return }
    losses.removeAll { $0.due <= now }
    advance(to: now)
    for loss in due {
      begin(loss.section, now: now)
      // All at once, so that nothing of it is late. One for which there is no room must not keep the
      // others from it.
      for id in engine.prepared(by: loss.section) { begin(loss.section, only: id, now: now) }
      if !engine.prepared(by: loss.section).isEmpty {
        losses.append(Loss(section: loss.section, due: now + Self.lossRetry))
      }
    }
  }

  private func begin(_ section: Text, only id: MitigationID? = nil, now: Instant) {
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
