import Bytes
import Testing

@testable import DOTS

@Suite struct SessionParametersTests {
  private func asked(_ interval: UInt64, idle: UInt64? = nil) -> SessionConfiguration {
    var configuration = SessionConfiguration()
    configuration.mitigating.heartbeatInterval = ConfigurationValue(current: interval)
    if let idle { configuration.idle.heartbeatInterval = ConfigurationValue(current: idle) }
    return configuration
  }

  @Test("CFG-13 the defaults hold until something is negotiated")
  func defaults() {
    let desk = ConfigurationDesk()
    for mitigating in [true, false] {
      let parameters = desk.parameters(mitigating: mitigating)
      #expect(parameters.heartbeatInterval == 30)
      #expect(parameters.missingHeartbeatsAllowed == 15)
      #expect(parameters.maximumRetransmit == 3)
      #expect(parameters.ackTimeout == 200)
      #expect(parameters.ackRandomFactor == 150)
      #expect(parameters.probingRate == 5)
    }
  }

  @Test("CFG-15 the set for attacks holds while something is mitigated, the other else")
  func sets() throws {
    var desk = ConfigurationDesk()
    _ = try desk.configure(sid: 7, asked(60, idle: 90))
    #expect(desk.parameters(mitigating: true).heartbeatInterval == 60)
    #expect(desk.parameters(mitigating: false).heartbeatInterval == 90)
  }

  @Test("CFG-16 on a stream the interval alone holds, and all that was asked for is kept")
  func stream() throws {
    var configuration = asked(60)
    configuration.mitigating.missingHeartbeatsAllowed = ConfigurationValue(current: 3)
    configuration.mitigating.maximumRetransmit = ConfigurationValue(current: 9)
    var desk = ConfigurationDesk()
    _ = try desk.configure(sid: 7, configuration)
    let parameters = desk.parameters(mitigating: true).overStream
    #expect(parameters.heartbeatInterval == 60)
    #expect(parameters.missingHeartbeatsAllowed == 15 && parameters.maximumRetransmit == 3)
    #expect(try desk.retrieved(sid: 7) == configuration)
  }

  @Test("CFG-18 what a GET tells holds for an hour")
  func maxAge() throws {
    #expect(try ConfigurationDesk().retrieved(sid: nil).response.maxAge == 3600)
  }

  @Test("CFG-03 CFG-14 a GET without sid tells what holds, and the ranges of Figure 20")
  func ranges() throws {
    let whole = try ConfigurationDesk().retrieved(sid: nil)
    for set in [whole.mitigating, whole.idle] {
      #expect(
        set.heartbeatInterval == ConfigurationValue(current: 30, minimum: 15, maximum: 240)
      )
      #expect(
        set.missingHeartbeatsAllowed == ConfigurationValue(current: 15, minimum: 3, maximum: 20)
      )
      #expect(set.maximumRetransmit == ConfigurationValue(current: 3, minimum: 2, maximum: 15))
      #expect(set.ackTimeout == ConfigurationValue(current: 200, minimum: 100, maximum: 3000))
      #expect(set.ackRandomFactor == ConfigurationValue(current: 150, minimum: 110, maximum: 400))
      #expect(set.probingRate == ConfigurationValue(current: 5, minimum: 5, maximum: 20))
    }
  }

  @Test("CFG-04 a GET with a sid tells what was negotiated, and of another nothing")
  func bySid() throws {
    var desk = ConfigurationDesk()
    #expect(throws: PeerError(.unknownConfiguration)) { try desk.retrieved(sid: 7) }
    _ = try desk.configure(sid: 7, asked(60))
    #expect(try desk.retrieved(sid: 7) == asked(60))
    #expect(throws: PeerError(.unknownConfiguration)) { try desk.retrieved(sid: 8) }
  }

  @Test("CFG-08 CFG-09 CFG-10 RUL-09 a higher sid overrides, the same changes, a lower is refused")
  func order() throws {
    var desk = ConfigurationDesk()
    #expect(try desk.configure(sid: 7, asked(60)))
    #expect(try !desk.configure(sid: 7, asked(61)))
    #expect(try desk.configure(sid: 8, asked(62)))
    #expect(throws: PeerError(.unknownConfiguration)) { try desk.retrieved(sid: 7) }
    #expect(throws: PeerError(.configurationOutdated)) { try desk.configure(sid: 7, asked(63)) }
    #expect(desk.parameters(mitigating: true).heartbeatInterval == 62)
  }

  @Test("CFG-09 CFG-11 what a new configuration lacks has its default again")
  func fallback() throws {
    var desk = ConfigurationDesk()
    _ = try desk.configure(sid: 1, asked(60, idle: 90))
    #expect(desk.parameters(mitigating: false).heartbeatInterval == 90)
    _ = try desk.configure(sid: 2, asked(61))
    #expect(desk.parameters(mitigating: false).heartbeatInterval == 30)
  }

  @Test("CFG-12 HB-09 an interval of 0 means no heartbeats and no loss")
  func noHeartbeats() throws {
    var desk = ConfigurationDesk()
    _ = try desk.configure(sid: 1, asked(30, idle: 0))
    #expect(desk.parameters(mitigating: false).interval == nil)
    #expect(desk.parameters(mitigating: false).patience == nil)
    #expect(desk.parameters(mitigating: true).interval == .seconds(30))
  }

  @Test("CFG-21 a DELETE with the sid or none resets; with another it changes nothing")
  func reset() throws {
    var desk = ConfigurationDesk()
    _ = try desk.configure(sid: 3, asked(60))
    desk.reset(sid: 4)
    #expect(desk.parameters(mitigating: true).heartbeatInterval == 60)
    desk.reset(sid: 3)
    #expect(desk.parameters(mitigating: true).heartbeatInterval == 30)
    _ = try desk.configure(sid: 1, asked(60))
    desk.reset(sid: nil)
    #expect(throws: PeerError(.unknownConfiguration)) { try desk.retrieved(sid: 1) }
  }
}
