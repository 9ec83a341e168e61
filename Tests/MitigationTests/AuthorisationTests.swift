import Bytes
import Mitigation
import Model
import Testing

@Suite struct AuthorisationTests {
  @Test("a peer that no client section names is entitled to nothing")
  func stranger() {
    var desk = Desk()
    desk.client = "telemetry.isp.example.evil.example"
    #expect(desk.put().refusal?.reason == .notEntitled)
    #expect(desk.show().refusal?.reason == .notEntitled)
    #expect(desk.delete().refusal?.reason == .notEntitled)
  }

  @Test("names of certificates compare without regard to case, PSK identities exactly")
  func names() {
    let engine = Desk().engine
    #expect(engine.client(for: Fixture.session("TELEMETRY.isp.Example"))?.section == "telemetry")
    var session = Fixture.session("TELEMETRY.isp.Example")
    session.identity.publicKeyDigest = []
    #expect(engine.client(for: session) == nil)
    session.identity.names = [Fixture.client]
    #expect(engine.client(for: session)?.section == "telemetry")
  }

  @Test("a pin wants that public key")
  func pin() {
    var desk = Desk { $0.clients[0].pin = [UInt8](repeating: 8, count: 32) }
    #expect(desk.put().refusal?.reason == .notEntitled)
    desk = Desk { $0.clients[0].pin = [UInt8](repeating: 7, count: 32) }
    #expect(desk.put().isCreated)
  }

  @Test("ERR-03 an action that the client may not ask for is refused")
  func may() {
    var desk = Desk()
    var scope = Fixture.scope()
    scope.requestedAction = .limit
    #expect(desk.reason(scope) == .actionNotAllowed)
    scope.requestedAction = .block
    #expect(desk.reason(scope) == nil)
  }

  @Test("the action is the request's, else the first matching policy's, else the default")
  func choice() {
    var desk = Desk {
      $0.clients[0].may = [.block, .limit]
      $0.limit = 999
      $0.action = .limit
      var policy = PolicySettings(section: "cameras", action: .observe)
      policy.source = Fixture.device6
      $0.policies = [policy]
    }
    var scope = Fixture.scope()
    scope.requestedAction = .block
    desk.put(1, scope)
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]))
    desk.put(3, Fixture.scope(from: ["2001:db8:1::11"], to: ["2001:db8:ffff::9"]))
    let verdicts = desk.kernel.values.sorted { $0.id < $1.id }.map { $0.verdict }
    #expect(verdicts == [.drop, .count, .limit(bytesPerSecond: 999)])
  }

  @Test("a policy on a device matches by hardware address, one on a client by its section")
  func policies() {
    var desk = Desk {
      var cameras = PolicySettings(section: "cameras", action: .observe)
      cameras.mac = MACPrefix(parsing: "00:11:22")
      var others = PolicySettings(section: "others", action: .limit)
      others.client = "other"
      $0.policies = [cameras, others]
    }
    desk.put(1)
    desk.surroundings.macOf = { _ in MACAddress(0x0011_2200_0001) }
    desk.put(2, Fixture.scope(to: ["2001:db8:ffff::8"]))
    let verdicts = desk.kernel.values.sorted { $0.id < $1.id }.map { $0.verdict }
    #expect(verdicts == [.drop, .count])
  }

  @Test("IDS-03 IDS-04 a cuid in use by another identity: 4.09 with cause 3 and nothing else")
  func collision() {
    var desk = Desk()
    desk.role = .base
    desk.put(1)
    desk.client = Fixture.other
    let refusal = desk.put(2, Fixture.scope(to: ["2001:db8:ffff::9"])).refusal
    #expect(refusal?.reason == .cuidCollision)
    #expect(refusal?.mid == nil)
    #expect(refusal?.conflict == ConflictInformation(cause: .cuidCollision))
    desk.client = Fixture.client
    desk.delete(1)
    desk.pass(121)
    desk.client = Fixture.other
    #expect(desk.put(2).isCreated)
    desk.client = Fixture.client
    #expect(desk.put(1).refusal?.reason == .cuidCollision)
  }

  @Test("IDS-03 one identity may use several cuids")
  func severalIdentifiers() {
    var desk = Desk()
    desk.put(1)
    desk.cuid = "another"
    #expect(desk.put(1, Fixture.scope(to: ["2001:db8:ffff::9"])).isCreated)
    #expect(desk.kernel.count == 2)
  }

  @Test("CH-CON-05 each upstream of Call Home has its own cuids")
  func upstreams() {
    var desk = Desk()
    desk.put(1)
    desk.client = Fixture.other
    #expect(desk.put(1, Fixture.scope(to: ["2001:db8:ffff::9"])).isCreated)
  }

  @Test("IDS-10 another client's mitigation is unknown to GET and DELETE")
  func foreign() {
    var desk = Desk()
    desk.put(1)
    desk.client = Fixture.other
    #expect(desk.show(1).refusal?.reason == .unknownMitigation)
    #expect(desk.show().refusal?.reason == .unknownMitigation)
    #expect(desk.delete(1) == .deleted)
    #expect(desk.kernel.count == 1)
  }

  @Test("IDS-05 the cdid of a peer that isn't a trusted gateway is ignored")
  func domain() {
    var desk = Desk()
    let name = MitigationName(cuid: Fixture.cuid, cdid: "a.example", mid: 1)
    let request = MitigationRequest.mitigate(
      name,
      Fixture.scope(),
      lifetime: .seconds(60),
      efficacy: nil
    )
    #expect(desk.ask(request).isCreated)
    #expect(desk.show(1).refusal == nil)
    desk = Desk { $0.clients[0].isGateway = true }
    #expect(desk.ask(request).isCreated)
    #expect(desk.show(1).refusal?.reason == .unknownMitigation)
  }
}
