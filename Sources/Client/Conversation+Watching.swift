import Bytes
import CoAP
import DOTS
import Model
import Report

/// What is watched on a session that lasts: beside what is asked, for as long as who watches likes.
extension Conversation {
  /// So many may watch at a time: a session awaits 16 answers, and what is asked needs some.
  static let maximumWatches = 8

  /// One watch.
  struct Watch {
    let number: UInt64
    let command: Command
    let request: CoAPMessage
    var exchange: ExchangeID
    var asked: Instant
    /// Whether a state has come.
    var hasState = false
    var repetition: Repetition?
  }

  /// Begins to watch under a number that nothing else has.
  func watch(_ command: Command, cuid: Text, as number: UInt64, now: Instant) -> [Action] {
    guard !isOver, watches.count < Self.maximumWatches,
      let request = command.request(cuid: cuid, sid: 0)
    else { return [.unobserved(number, .failed("too much is watched on this session"))] }
    do throws(SendRefusal) {
      let sent = try client.request(request, confirmable: false, patience: patience, now: now)
      let watch = Watch(
        number: number,
        command: command,
        request: request,
        exchange: sent.exchange,
        asked: now
      )
      watches.append(watch)
      return sends(sent.actions, now: now)
    } catch { return [.unobserved(number, .failed("the request can't be sent"))] }
  }

  /// Nobody watches any more under this number: the observation is ended at the server.
  func unwatch(_ number: UInt64, now: Instant) -> [Action] {
    guard let index = watches.firstIndex(where: { $0.number == number }) else { return [] }
    let exchange = watches.remove(at: index).exchange
    guard client.isObserving(exchange) else {
      client.forget(exchange)
      return []
    }
    return sends(client.cancel(exchange, now: now), now: now)
  }

  /// Sends again what has no answer yet.
  func repeatWatches(now: Instant) -> [Action] {
    var actions: [Action] = []
    for index in watches.indices {
      guard let late = watches[index].repetition, late.due <= now else { continue }
      if now < late.end, client.unanswered(watches[index].exchange) == late.bytes {
        watches[index].repetition?.due = now + Self.repetitionInterval
        actions.append(.send(late.bytes))
      } else {
        watches[index].repetition = nil
      }
    }
    return actions
  }

  /// A state has come, or there is none.
  func observed(_ exchange: ExchangeID, _ response: CoAPMessage, now: Instant) -> [Action] {
    guard let index = watches.firstIndex(where: { $0.exchange == exchange }) else { return [] }
    let watch = watches[index]
    watches[index].repetition = nil
    guard response.code.major == 2 else {
      watches.remove(at: index)
      // What was watched has come to its end.
      let isEnd = response.code == .notFound && watch.hasState
      return [
        .unobserved(watch.number, isEnd ? .done : .refused(response.code, RefusedRequest(response)))
      ]
    }
    let answer: ClientAnswer
    do throws(PeerError) {
      answer = try watch.command.answer(response, sid: 0, after: now - watch.asked)
    } catch { return stopped(at: index, .failed("the answer can't be read: " + error.diagnostic)) }
    watches[index].hasState = true
    negotiated.note(answer, now: now)
    useParameters(now: now)
    var actions: [Action] = [.observed(watch.number, answer)]
    if case .status(.some, _) = watch.command, case .mitigations(let list) = answer,
      list.allSatisfy({ $0.status == .attackMitigationTerminated })
    {
      actions += stopped(at: index, .done)
    } else if !client.isObserving(exchange) {
      actions += stopped(at: index, .failed("the server doesn't tell any further state"))
    }
    return actions
  }

  /// The server falls silent, or refuses what isn't an answer.
  func unobserved(_ exchange: ExchangeID, _ failure: ExchangeFailure, now: Instant) -> [Action] {
    guard let index = watches.firstIndex(where: { $0.exchange == exchange }) else { return [] }
    let watch = watches[index]
    guard failure == .unanswered, watch.hasState, watch.asked < now,
      let sent = try? client.request(
        watch.request,
        confirmable: false,
        patience: patience,
        now: now
      )
    else { return stopped(at: index, .unanswered(watch.command.silence)) }
    // As long as the session counts, it is watched (RFC 9132, Section 4.7).
    watches[index].exchange = sent.exchange
    watches[index].asked = now
    watches[index].repetition = nil
    return sends(sent.actions, now: now)
  }

  private func stopped(at index: Int, _ ending: Ending) -> [Action] {
    let watch = watches.remove(at: index)
    client.forget(watch.exchange)
    return [.unobserved(watch.number, ending)]
  }

  /// What is to be sent now for something else than an answer.
  func sends(_ actions: [MessageAction], now: Instant) -> [Action] {
    actions.compactMap { action -> Action? in
      guard case .send(let bytes) = action else { return nil }
      note(bytes, now: now)
      return .send(bytes)
    }
  }
}
