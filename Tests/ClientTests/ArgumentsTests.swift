import Bytes
import Client
import DOTS
import Model
import Testing

/// How a server is reached in most tests, without certificates.
private let reached = "--connect cpe --psk-identity i --psk-file /k "

/// What a command line, its words between spaces, asks for.
private func read(_ line: String) throws(Mistake) -> Arguments {
  try Arguments(line.split(separator: " ").map { Text(String($0)) })
}

/// The call that a command line asks for.
private func call(_ line: String) throws -> Call {
  guard case .call(let call) = try read(line) else {
    throw Mistake.commandMissing
  }
  return call
}

/// What is said of a command line that is wrong; nil when it is right.
private func complaint(_ line: String) -> String? {
  do throws(Mistake) {
    _ = try read(line)
    return nil
  } catch {
    return error.description
  }
}

private func prefix(_ text: Text) throws -> Prefix { try #require(Prefix(parsing: text)) }

@Test("mitigate takes each part of a scope as often as wanted, in the order of the words")
func mitigate() throws {
  let line = """
    mitigate --mid 7 --source 192.168.1.20 --source 2001:db8::/64 --source-port 1000-2000 \
    --target 203.0.113.5 --target 203.0.113.0/28 --target-port 443 --target-port 80 \
    --protocol tcp --protocol udp --protocol icmp --protocol icmpv6 --protocol 132 \
    --lifetime 600 --action quarantine --no-trigger
    """
  var scope = MitigationScope()
  scope.sourcePrefixes = [try prefix("192.168.1.20/32"), try prefix("2001:db8::/64")]
  scope.sourcePortRanges = [try #require(PortRange(1000, 2000))]
  scope.targetPrefixes = [try prefix("203.0.113.5/32"), try prefix("203.0.113.0/28")]
  scope.targetPortRanges = [PortRange(443), PortRange(80)]
  scope.targetProtocols = [6, 17, 1, 58, 132]
  scope.requestedAction = .quarantine
  scope.triggerMitigation = false
  #expect(try call(reached + line).command == .mitigate(mid: 7, scope, .seconds(600)))
}

@Test("without --lifetime an hour is asked for; 'indefinite' is a lifetime too")
func lifetimes() throws {
  var scope = MitigationScope()
  scope.targetPrefixes = [try prefix("203.0.113.5")]
  let line = reached + "mitigate --mid 0 --target 203.0.113.5"
  #expect(try call(line).command == .mitigate(mid: 0, scope, .seconds(3600)))
  let indefinite = try call(line + " --lifetime indefinite").command
  #expect(indefinite == .mitigate(mid: 0, scope, .indefinite))
}

@Test("an efficacy update names the scope, and a lifetime only where it is wanted")
func efficacy() throws {
  var scope = MitigationScope()
  scope.targetPrefixes = [try prefix("203.0.113.5")]
  let line = reached + "efficacy --mid 3 --target 203.0.113.5 "
  #expect(try call(line + "under-attack").command == .efficacy(mid: 3, .underAttack, scope, nil))
  #expect(
    try call(line + "mitigated --lifetime 5").command
      == .efficacy(mid: 3, .attackSuccessfullyMitigated, scope, .seconds(5))
  )
}

@Test("the other commands are read")
func otherCommands() throws {
  for (line, command) in [
    ("withdraw --mid 4294967295", .withdraw(mid: .max)),
    ("status", .status(mid: nil, watching: false)),
    ("status --mid 3 --watch", .status(mid: 3, watching: true)),
    ("config get", .retrieveConfiguration), ("config reset", .resetConfiguration),
    ("heartbeat", .heartbeat),
  ] as [(String, Command)] {
    #expect(try call(reached + line).command == command)
  }
}

@Test("config set is for both sets unless one is said; decimals count in hundredths")
func configurationOptions() throws {
  let line =
    reached + """
      config set --heartbeat-interval 0 --missing-hb-allowed 5 --max-retransmit 4 \
      --ack-timeout 2.5 --ack-random-factor 1.05 --probing-rate 7
      """
  var set = ConfigurationSet()
  set.heartbeatInterval = ConfigurationValue(current: 0)
  set.missingHeartbeatsAllowed = ConfigurationValue(current: 5)
  set.maximumRetransmit = ConfigurationValue(current: 4)
  set.ackTimeout = ConfigurationValue(current: 250)
  set.ackRandomFactor = ConfigurationValue(current: 105)
  set.probingRate = ConfigurationValue(current: 7)
  for (option, hasIdle, hasMitigating) in [
    ("", true, true), (" --idle", true, false), (" --mitigating", false, true),
    (" --idle --mitigating", true, true),
  ] {
    var expected = SessionConfiguration()
    if hasIdle { expected.idle = set }
    if hasMitigating { expected.mitigating = set }
    #expect(try call(line + option).command == .configure(expected))
  }
}

@Test("where the server is may be said with and without port, as name or address")
func destinations() throws {
  for (word, host, port) in [
    ("cpe.example", "cpe.example", 4646), ("cpe:1", "cpe", 1), ("192.0.2.1", "192.0.2.1", 4646),
    ("192.0.2.1:65535", "192.0.2.1", 65535), ("2001:db8::1", "2001:db8::1", 4646),
    ("[2001:db8::1]", "2001:db8::1", 4646), ("[2001:db8::1]:5000", "2001:db8::1", 5000),
  ] as [(String, Text, UInt16)] {
    let there = try call("--connect \(word) --psk-identity i --psk-file f heartbeat").destination
    #expect(there.host == host && there.port == port)
  }
}

@Test("options stand before or behind the command, with a space or an equals sign")
func options() throws {
  let line = """
    heartbeat --connect=cpe --certificate c --key=k --trust t --name n --transport=tcp --cuid u \
    --ticket f --timeout=5 --json
    """
  let there = try call(line)
  #expect(there.proof == .certificate(chain: "c", key: "k", trust: "t"))
  #expect(there.serverName == "n" && there.transports == [.tcp] && there.cuid == "u")
  #expect(there.ticketFile == "f" && there.patience == .seconds(5) && there.isJSON)
  let plain = try call(reached + "heartbeat")
  #expect(plain.proof == .presharedKey(identity: "i", file: "/k"))
  #expect(plain.serverName == nil && plain.transports == [.udp] && plain.cuid == nil)
  #expect(plain.ticketFile == nil && plain.patience == Call.usualPatience && !plain.isJSON)
  #expect(try call(reached + "--transport auto heartbeat").transports == [.udp, .tcp])
}

@Test("version and help need nothing else", arguments: ["--version", "--help", "-h"])
func information(line: String) throws {
  let expected: Arguments = line == "--version" ? .version : .help
  #expect(try read(line) == expected)
  #expect(try read("--json nonsense " + line) == expected)
}

@Test(
  "what is wrong with a command line is said in one line",
  arguments: [
    ("", "a command is missing"), ("--json", "a command is missing"),
    ("stat", "there is no command 'stat'"), ("--jason status", "there is no option '--jason'"),
    ("-x status", "there is no option '-x'"), ("serve", "there is no command 'serve'"),
    ("redirect", "redirect needs --to"), ("sessions", "there is no command 'sessions'"),
    ("--listen :1 serve", "serve needs --control"),
    ("--listen 1 status", "'1' is not [ADDRESS]:PORT"),
    ("--listen ::1:1 status", "'::1:1' is not [ADDRESS]:PORT"),
    ("--listen [192.0.2.1]:1 status", "'[192.0.2.1]:1' is not [ADDRESS]:PORT"),
    ("--control=/c sessions --mid 1", "--mid does not go with sessions"),
    ("status", "status needs --connect"), ("status --connect", "--connect needs a value"),
    ("status --connect=", "--connect needs a value"),
    ("status --json=yes", "--json takes no value"),
    ("status --connect a --connect b", "--connect is there twice"),
    ("status --connect cpe:0", "'cpe:0' is not HOST[:PORT]"),
    ("status --connect :1", "':1' is not HOST[:PORT]"),
    ("status --connect a/b", "'a/b' is not HOST[:PORT]"),
    ("status --connect [192.0.2.1]:1", "'[192.0.2.1]:1' is not HOST[:PORT]"),
    ("status --connect [::1]1", "'[::1]1' is not HOST[:PORT]"),
    ("status --connect [::1", "'[::1' is not HOST[:PORT]"),
  ]
)
func mistakes(line: String, expected: String) { #expect(complaint(line) == expected) }

@Test(
  "what is wrong with the identity is said in one line",
  arguments: [
    ("", "--certificate, --key and --trust are needed, or --psk-identity and --psk-file"),
    (
      "--certificate c --key k",
      "--certificate, --key and --trust are needed, or --psk-identity and --psk-file"
    ),
    ("--psk-identity i", "--psk-identity needs --psk-file"),
    ("--psk-file f", "--psk-file needs --psk-identity"),
    ("--trust t --psk-identity i", "either certificates or a pre-shared key, not both"),
  ]
)
func identityMistakes(line: String, expected: String) {
  #expect(complaint("--connect cpe heartbeat " + line) == expected)
}

@Test(
  "what is wrong with a command is said in one line",
  arguments: [
    ("status x", "'x' is one word too many"),
    ("status --source ::", "--source does not go with status"),
    ("heartbeat --mid 1", "--mid does not go with heartbeat"),
    ("mitigate --target ::1", "mitigate needs --mid"),
    ("mitigate --mid 1", "mitigate needs --target"), ("withdraw", "withdraw needs --mid"),
    ("withdraw --mid 1 --mid 2", "--mid is there twice"),
    ("withdraw --mid -1", "'-1' is not a number from 0 to 4294967295"),
    ("withdraw --mid 01", "'01' is not a number from 0 to 4294967295"),
    ("withdraw --mid 4294967296", "'4294967296' is not a number from 0 to 4294967295"),
    ("mitigate --mid 1 --target x", "'x' is not an address or ADDRESS/LENGTH"),
    ("mitigate --mid 1 --source 1.2.3.4/33", "'1.2.3.4/33' is not an address or ADDRESS/LENGTH"),
    (
      "mitigate --mid 1 --target ::1 --target-port 2-1",
      "'2-1' is not a port or a range of ports, LOWER-UPPER"
    ),
    (
      "mitigate --mid 1 --target ::1 --source-port 65536",
      "'65536' is not a port or a range of ports, LOWER-UPPER"
    ),
    (
      "mitigate --mid 1 --target ::1 --target-port 1-2-3",
      "'1-2-3' is not a port or a range of ports, LOWER-UPPER"
    ),
    (
      "mitigate --mid 1 --target ::1 --protocol sctp",
      "'sctp' is not a protocol: tcp, udp, icmp, icmpv6 or 0 to 255"
    ),
    (
      "mitigate --mid 1 --target ::1 --protocol 256",
      "'256' is not a protocol: tcp, udp, icmp, icmpv6 or 0 to 255"
    ),
    (
      "mitigate --mid 1 --target ::1 --lifetime 0",
      "'0' is not a number of seconds, or 'indefinite'"
    ),
    (
      "mitigate --mid 1 --target ::1 --lifetime 1h",
      "'1h' is not a number of seconds, or 'indefinite'"
    ),
    (
      "mitigate --mid 1 --target ::1 --action drop",
      "'drop' is not block, limit or quarantine"
    ),
    ("mitigate --mid 1 --target ::1 --watch", "--watch does not go with mitigate"),
    ("efficacy --mid 1 --target ::1", "efficacy needs under-attack or mitigated"),
    ("efficacy good --mid 1 --target ::1", "'good' is not under-attack or mitigated"),
    ("config", "config needs get, set or reset"), ("config put", "'put' is not get, set or reset"),
    ("config set", "config set needs a parameter"),
    ("config set --idle", "config set needs a parameter"),
    ("config get --idle", "--idle does not go with config"),
    ("config set --max-retransmit 65536", "'65536' is not a number from 0 to 65535"),
    ("config set --ack-timeout 1.234", "'1.234' is not a number with at most two decimals"),
    ("config set --ack-timeout 1.", "'1.' is not a number with at most two decimals"),
    ("config set --ack-timeout .5", "'.5' is not a number with at most two decimals"),
    ("config set --ack-timeout 1.x", "'1.x' is not a number with at most two decimals"),
    ("config set --ack-timeout 1.2.3", "'1.2.3' is not a number with at most two decimals"),
    ("heartbeat --transport quic", "'quic' is not udp, tcp or auto"),
    ("heartbeat --timeout 0", "'0' is not a number of seconds from 1 to 3600"),
    ("heartbeat --timeout 3601", "'3601' is not a number of seconds from 1 to 3600"),
  ]
)
func commandMistakes(line: String, expected: String) {
  #expect(complaint(reached + line) == expected)
}

@Test("a cuid of more than 64 bytes is refused")
func longCuid() {
  let cuid = String(repeating: "x", count: 65)
  #expect(complaint(reached + "heartbeat --cuid " + cuid)?.hasSuffix("at most 64 bytes") == true)
}
