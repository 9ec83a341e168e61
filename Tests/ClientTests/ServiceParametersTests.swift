import Bytes
import CoAP
import DOTS
import Model
import Report
import Testing

@testable import Client

/// A configuration with these heartbeat intervals.
private func configuration(mitigating: UInt64, idle: UInt64) -> SessionConfiguration {
  var configuration = SessionConfiguration()
  configuration.mitigating.heartbeatInterval = ConfigurationValue(current: mitigating)
  configuration.idle.heartbeatInterval = ConfigurationValue(current: idle)
  return configuration
}

extension Wire {
  /// Asks and has the answer at that moment.
  fileprivate func ask(_ command: Command, _ response: CoAPMessage, at seconds: Double) throws {
    ending = nil
    requests = []
    client(conversation.ask(command, cuid: "me", sid: 1, now: at(seconds)), now: at(seconds))
    try answer(response, at: seconds)
    #expect(ending == .done)
  }

  /// From one heartbeat to the next after that moment.
  fileprivate func interval(at seconds: Double) -> Double? {
    var moments: [Double] = []
    var end = seconds
    while moments.count < 3, end < seconds + 1000 {
      end += 1
      let before = requests.count
      pass(until: end)
      if requests.count > before { moments.append(end) }
    }
    return moments.count == 3 ? moments[2] - moments[1] : nil
  }
}

@Suite struct ServiceParametersTests {
  @Test("CFG-23 heartbeats keep to what was read, set or reset last")
  func followed() throws {
    let wire = Wire.begun(nil)
    #expect(wire.interval(at: 0) == 30)
    let offered = configuration(mitigating: 20, idle: 40)
    try wire.ask(.retrieveConfiguration, offered.response, at: 200)
    #expect(wire.interval(at: 200) == 40)
    let wanted = configuration(mitigating: 15, idle: 60)
    try wire.ask(.configure(wanted), CoAPMessage(.created), at: 500)
    #expect(wire.interval(at: 500) == 60)
    try wire.ask(.resetConfiguration, CoAPMessage(.deleted), at: 1000)
    #expect(wire.interval(at: 1000) == 30)
  }

  @Test("CFG-23 while a mitigation is active the other set holds, until it is withdrawn or over")
  func mitigating() throws {
    let wire = Wire.begun(nil)
    let wanted = configuration(mitigating: 20, idle: 60)
    try wire.ask(.configure(wanted), CoAPMessage(.created), at: 1)
    let mitigate = Command.mitigate(mid: 7, try scope(), .seconds(600))
    try wire.ask(mitigate, response(.created, entry(7)), at: 2)
    #expect(wire.interval(at: 2) == 20)
    try wire.ask(.withdraw(mid: 7), CoAPMessage(.deleted), at: 300)
    #expect(wire.interval(at: 300) == 60)
    try wire.ask(mitigate, response(.created, entry(7)), at: 1000)
    #expect(wire.interval(at: 1000) == 20)
    #expect(wire.interval(at: 1700) == 60)
    try wire.ask(mitigate, response(.created, entry(7)), at: 2500)
    let status = Command.status(mid: 7, watching: false)
    let over = response(.content, state(7, .attackMitigationTerminated))
    try wire.ask(status, over, at: 2501)
    #expect(wire.interval(at: 2501) == 60)
  }

  @Test(
    "CFG-19 what was read is read again a minute before it is stale, by the number of what was set"
  )
  func refreshed() throws {
    let wire = Wire.begun(nil)
    let offered = configuration(mitigating: 20, idle: 0)
    try wire.ask(.retrieveConfiguration, offered.response, at: 1)
    let wanted = configuration(mitigating: 15, idle: 0)
    try wire.ask(.configure(wanted), CoAPMessage(.created), at: 2)
    wire.requests = []
    wire.pass(until: 3540)
    #expect(wire.requests.isEmpty)
    wire.pass(until: 3541)
    #expect(try wire.lastRequest() == .retrieveConfiguration(sid: 1))
    try wire.answer(configuration(mitigating: 15, idle: 90).response, at: 3541)
    #expect(wire.interval(at: 3541) == 90)
  }

  @Test(
    "CFG-19 while something is mitigated nothing is read again; a number that is gone is left out"
  )
  func notRefreshed() throws {
    let wire = Wire.begun(nil)
    let idle = configuration(mitigating: 0, idle: 0)
    try wire.ask(.retrieveConfiguration, idle.response, at: 1)
    try wire.ask(.configure(idle), CoAPMessage(.created), at: 2)
    let long = entry(7) { $0.lifetime = .seconds(6000) }
    let mitigate = Command.mitigate(mid: 7, try scope(), .seconds(6000))
    try wire.ask(mitigate, response(.created, long), at: 3)
    wire.requests = []
    wire.pass(until: 6000)
    #expect(wire.requests.isEmpty)
    wire.pass(until: 6062)
    #expect(!wire.requests.isEmpty)
    try wire.answer(CoAPMessage(.notFound), at: 6062)
    wire.requests = []
    wire.pass(until: 6200)
    #expect(try wire.lastRequest() == .retrieveConfiguration(sid: nil))
  }

  @Test("CFG-19 however soon what was read is stale, it isn't read again before 10 s have passed")
  func stale() throws {
    for age in [1, 2, 19] as [UInt32] {
      let wire = Wire.begun(nil)
      let idle = configuration(mitigating: 0, idle: 0)
      var told = CoAPMessage(.content, payload: idle.encoded)
      told.add(CoAPOption(.maxAge, uint: age))
      try wire.ask(.retrieveConfiguration, told, at: 1)
      wire.requests = []
      wire.pass(until: 10.9)
      #expect(wire.requests.isEmpty)
      wire.pass(until: 11)
      #expect(wire.requests.count == 1)
    }
  }
}
