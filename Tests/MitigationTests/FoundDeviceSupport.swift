import Bytes
import Mitigation
import Model

let cameraV4 = Fixture.address("192.168.1.20")
let laptopV4 = Fixture.address("192.168.1.30")
let sendingMAC = MACAddress(0x4419_B600_0020)
let otherMAC = MACAddress(0x3C22_FB00_0030)
let attacked = Fixture.address("198.51.100.7")

/// A flow of UDP that a device began and the router translated to `port`.
func translated(
  _ device: IPAddress,
  port: UInt16,
  to target: IPAddress = attacked,
  _ targetPort: UInt16 = 443,
  transport: UInt8 = 17,
  type: UInt8 = 0
) -> Flow {
  Flow(
    .init(transport, device, 5000, to: target, targetPort, type: type),
    .init(transport, target, targetPort, to: Fixture.wan, port)
  )
}

func scope(ports: [UInt16] = []) -> MitigationScope {
  Fixture.scope(from: ["203.0.113.77"], to: ["198.51.100.7"], ports: ports)
}

/// A desk whose router tracks these flows and knows the devices.
func tracking(
  _ flows: [Flow],
  _ change: (inout CoreSettings) -> Void = { _ in }
) -> Desk {
  var desk = Desk(change)
  desk.surroundings.macOf = { $0 == cameraV4 ? sendingMAC : $0 == laptopV4 ? otherMAC : nil }
  desk.surroundings.addressesOf = {
    $0 == sendingMAC ? [cameraV4] : $0 == otherMAC ? [laptopV4] : []
  }
  desk.surroundings.flows = { watch in for flow in flows { watch.look(at: flow) } }
  return desk
}

extension Desk {
  var sources: [RuleSource] { kernel.values.first?.sources ?? [] }

  mutating func see(_ flows: [Flow], _ evidence: DeviceEvidence = .event) {
    let watch = engine.flowWatch()
    for flow in flows { watch.look(at: flow) }
    commit(engine.looked(watch, evidence, now: now, surroundings: surroundings))
  }

  mutating func see(_ senders: [Sender]) {
    let watch = engine.flowWatch()
    engine.noted(senders, in: watch, surroundings: surroundings)
    commit(engine.looked(watch, .seen, now: now, surroundings: surroundings))
  }

  var found: [FoundDevice] { engine.mitigations(now: now).flatMap { $0.found } }
}

func inside(_ address: IPAddress) -> RuleSource { .inside(Prefix(host: address)) }

/// A desk whose owner wants to be asked about the camera, with both devices' flows.
func asking(_ flows: [Flow], _ change: (inout CoreSettings) -> Void = { _ in }) -> Desk {
  tracking(flows) {
    var policy = PolicySettings(section: "cameras", action: .ask)
    policy.mac = MACPrefix(sendingMAC)
    $0.policies = [policy]
    change(&$0)
  }
}

/// Flows of both devices.
let bothFlows = [translated(cameraV4, port: 1), translated(laptopV4, port: 2)]

/// The owner's answer to what is asked first; false when nothing is.
func consent(_ isGiven: Bool, _ desk: inout Desk) -> Bool {
  guard let id = desk.engine.mitigations(now: desk.now).first?.id,
    let changes = desk.engine.consented(isGiven, to: id, now: desk.now)
  else { return false }
  desk.commit(changes)
  return true
}
