import Bytes
import Configuration
import Model
import Testing

/// The settings of a file.
func parsed(_ file: String) throws -> Settings { try Settings(parsing: [UInt8](file.utf8)) }

/// The shortest agent section that a file needs.
let agent = "config agent\n list wan eth0\n list lan br-lan\n"

@Test("what the agent section does not say has its default")
func agentDefaults() throws {
  let settings = try parsed(agent)
  #expect(settings.enabled)
  #expect(settings.core.action == .block)
  #expect(settings.core.limit == 125_000)
  #expect(settings.core.askTimeout == 600)
  #expect(settings.core.askDefaultsToBlock)
  #expect(settings.core.terminating == 120)
  #expect(settings.core.conflict == .accept)
  #expect(settings.core.maximumQuarantined == 8)
  #expect(!settings.core.flushesOffload)
  #expect(settings.core.portSet == nil)
  #expect(settings.core.state == "/var/lib/cordon")
  #expect(settings.core.leases == "/var/lib/misc/dnsmasq.leases")
  #expect(settings.core.logLevel == .info)
  #expect(settings.control == "/run/cordon/control")
}

@Test("each room has a user of its own by default")
func userDefaults() throws {
  let settings = try parsed(agent)
  #expect(settings.core.user == "cordon")
  #expect(settings.users.signal == "cordon-signal")
  #expect(settings.users.portal == "cordon-portal")
  #expect(settings.users.tls == "cordon-tls")
  #expect(settings.users.resolve == "cordon-resolve")
}

@Test("what is optional is off without its section")
func sectionDefaults() throws {
  let settings = try parsed(agent)
  #expect(settings.listen.isEmpty && settings.core.listenPorts.isEmpty)
  #expect(settings.callHome.isEmpty && settings.preSharedKeys.isEmpty)
  #expect(settings.dataChannel == nil)
  #expect(settings.quarantine.garden.isEmpty && settings.quarantine.apiPort == nil)
  #expect(settings.core.clients.isEmpty && settings.core.policies.isEmpty)
  #expect(settings.core.protections.isEmpty && settings.warnings.isEmpty)
}

@Test(
  "the identity's files have defaults, with or without the section",
  arguments: ["", "identity"]
)
func identityDefaults(section: String) throws {
  let file = section.isEmpty ? agent : agent + "config \(section)\n"
  let identity = try #require(try parsed(file).identity)
  #expect(identity.certificate == "/etc/cordon/cpe.crt")
  #expect(identity.key == "/etc/cordon/cpe.key")
  #expect(identity.trust == "/etc/cordon/isp-ca.crt")
  #expect(identity.crl == nil)
}

@Test("with a pre-shared key alone there is no certificate")
func pskOnly() throws {
  let settings = try parsed(agent + "config psk\n option identity a\n option key_file /k\n")
  #expect(settings.identity == nil)
  #expect(settings.preSharedKeys.first?.keyFile == "/k")
}

@Test("a listen section listens on all addresses, port 4646, udp and tcp")
func listenDefaults() throws {
  let settings = try parsed(agent + "config listen 'isp'\n")
  let listen = try #require(settings.listen.first)
  #expect(listen.section == "isp")
  #expect(listen.addresses == [IPAddress(v6High: 0, low: 0)])
  #expect(listen.port == 4646)
  #expect(listen.transports == [.udp, .tcp])
  #expect(settings.core.listenPorts == [4646])
}

@Test("a client may block, any target, within the default limits")
func clientDefaults() throws {
  let settings = try parsed(agent + "config client 'a'\n option name 'b'\n")
  #expect(settings.core.clients == [ClientSettings(section: "a", name: "b")])
  let client = try #require(settings.core.clients.first)
  #expect(client.may == [.block] && client.targets.isEmpty && client.pin == nil)
  #expect(!client.mayNameInternal && !client.isGateway && client.overlap == .scope)
  #expect(client.maximumMitigations == 256 && client.maximumElements == 4096)
  #expect(client.maximumRate == 10 && client.maximumLifetime == 86_400)
  #expect(client.alternateServer.isEmpty)
}

@Test("a call home peer carries its host's name and is reached by udp")
func callHomeDefaults() throws {
  let settings = try parsed(agent + "config call_home\n option host a.example\n option port 1\n")
  let callHome = try #require(settings.callHome.first)
  #expect(callHome.name == "a.example" && callHome.port == 1)
  #expect(callHome.transport == .udp && callHome.redirectDomains.isEmpty)
}

@Test("the data channel and the quarantine's page have their ports")
func laterDefaults() throws {
  let settings = try parsed(agent + "config data_channel\nconfig quarantine\n")
  #expect(settings.dataChannel?.port == 8443)
  let quarantine = settings.quarantine
  #expect(quarantine.portalPort == 8646 && quarantine.releases == 2)
  #expect(quarantine.name == nil && quarantine.garden.isEmpty && quarantine.helpdesk.isEmpty)
  #expect(quarantine.theme == "/etc/cordon/theme")
  #expect(quarantine.apiCertificate == nil && quarantine.apiKey == nil && quarantine.apiPort == nil)
  #expect(quarantine.apiTrust == "/etc/ssl/certs/ca-certificates.crt")
  #expect(settings.core.quarantine == QuarantineAccess(portalPort: 8646))
}

@Test("the sample, which spells out the defaults, says the same as they do")
func sampleIsDefault() throws {
  let settings = try parsed(sample)
  var expected = try parsed("config agent\n list wan wan0\n list lan br-lan\n").core
  expected.listenPorts = [4646]
  var client = ClientSettings(section: "telemetry", name: "telemetry.isp.example")
  client.targets = [try #require(Prefix(parsing: "0.0.0.0/0"))]
  expected.clients = [client]
  var policy = PolicySettings(section: "cameras", action: .quarantine)
  policy.mac = MACPrefix(parsing: "00:11:22")
  expected.policies = [policy]
  var protection = ProtectSettings(section: "alarm")
  protection.macs = [try #require(MACPrefix(parsing: "00:11:22:33:44:55"))]
  protection.udpPorts = [PortRange(5060)]
  protection.prefixes = [try #require(Prefix(parsing: "192.0.2.0/24"))]
  expected.protections = [protection]
  #expect(settings.core == expected)
  #expect(settings.users == (try parsed(agent)).users)
  #expect(settings.callHome.first?.redirectDomains == ["isp.example"])
  #expect(settings.quarantine.garden == ["help.isp.example"])
  #expect(settings.quarantine.helpdesk == "tel:+1-555-0100")
}

@Test("the sample's warnings name exactly what this version lacks")
func sampleWarnings() throws {
  let end = " is not in this version yet: accepted, not used"
  #expect(
    try parsed(sample).warnings.map(\.description) == [
      "46:1: section data_channel" + end
    ]
  )
}
