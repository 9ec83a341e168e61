import Bytes
import CoAP
import DOTS
import Dial
import Linux
import Model
import Report
import TLS

/// Carries out one call: finds the server, brings a session up, holds the conversation.
final class Caller {
  private static let signalToken: UInt64 = 0
  /// How many addresses of a name are tried.
  private static let maximumAddresses = 8

  let call: Call
  let cuid: Text
  let memory: Memory?
  /// Shows an answer.
  let show: (ClientAnswer) -> Void

  let poller: Poller
  private let signals: SignalReader
  private(set) var clients: [Client] = []
  var race: Race
  private let deadline: Instant
  var attempts: [Attempt] = []
  var winner: Attempt?
  var conversation: Conversation?
  /// Why attempts failed; the first is what is told.
  var failures: [Ending] = []
  var ending: Ending?

  /// Looks the server up and prepares the way to it; throws how the call ends if that fails.
  init(
    _ call: Call,
    _ credentials: Credentials,
    cuid: Text,
    memory: Memory?,
    show: @escaping (ClientAnswer) -> Void
  ) throws(Ending) {
    self.call = call
    self.cuid = cuid
    self.memory = memory
    self.show = show
    let candidates = Candidate.all(
      try Self.addresses(of: call),
      over: call.transports,
      known: memory?.known(now: Clock.wall)
    )
    do throws(SystemError) {
      poller = try Poller()
      signals = try SignalReader([.interrupt, .terminate, .hangUp])
      try poller.add(signals.descriptor, token: Self.signalToken)
    } catch {
      throw .failed(error.text)
    }
    race = Race(candidates, now: Clock.now)
    deadline = Clock.now + call.patience
    for transport in call.transports {
      do throws(TLSError) { clients.append(try Client(credentials, over: transport)) } catch {
        throw .failed(error.words)
      }
    }
  }

  private static func addresses(of call: Call) throws(Ending) -> [IPAddress] {
    let destination = call.destination
    if !call.addresses.isEmpty { return [IPAddress](call.addresses.prefix(maximumAddresses)) }
    if let address = destination.address { return [address.unmapped] }
    let found = try? preferredAddresses(of: destination.host, limit: maximumAddresses)
    guard let found, !found.isEmpty else {
      throw .unreachable(destination.host + " has no address that could be found")
    }
    return found
  }

  /// Runs until the call has ended; answers how.
  func run() -> Ending {
    while true {
      startAttempts()
      if let ending {
        close()
        return ending
      }
      do throws(SystemError) { try step() } catch { ending = .failed(error.text) }
    }
  }

  /// What the next call needs to resume the session; to be asked before it is closed.
  private(set) var remembered: Memory?

  private func close() {
    guard let winner else { return }
    if let ticket = winner.ticket {
      remembered = Memory(winner.candidate, time: Clock.wall, ticket: ticket)
    }
    winner.close()
  }
}

// MARK: Events

extension Caller {
  private func step() throws(SystemError) {
    let timeout = nextTimeout.map { max($0 - Clock.now, .zero) }
    for event in try poller.wait(timeout: timeout) {
      guard event.token != Self.signalToken else {
        if try signals.next() != nil { interrupted() }
        continue
      }
      let attempt = attempts[Int(event.token) - 1]
      take(attempt.ready(event, now: Clock.now), of: attempt)
      watchWriting(attempt, token: event.token)
    }
    timedOut(now: Clock.now)
  }

  private var nextTimeout: Instant? {
    var due = attempts.compactMap { $0.nextTimeout }
    if winner == nil {
      due.append(deadline)
      if let next = race.nextStart { due.append(next) }
    }
    if let next = conversation?.nextTimeout { due.append(next) }
    return due.min()
  }

  private func timedOut(now: Instant) {
    for attempt in attempts { take(attempt.timedOut(now: now), of: attempt) }
    if let conversation, let due = conversation.nextTimeout, due <= now {
      perform(conversation.timedOut(now: now))
    }
    if winner == nil, ending == nil, deadline <= now {
      ending = worst(.unreachable("no session with \(place): nothing answers"))
    }
  }

  private func interrupted() {
    if let conversation {
      perform(conversation.interrupted(now: Clock.now))
    } else {
      ending = ending ?? .interrupted
    }
  }

  private var place: Text {
    call.destination.host + " port " + Text(decimal: call.destination.port)
  }

  /// What is told when several ways failed: who was refused wants to know that first.
  func worst(_ last: Ending) -> Ending {
    for failure in failures { if case .denied = failure { return failure } }
    for failure in failures { if case .failed = failure { return failure } }
    return failures.first ?? last
  }
}
