// swift-tools-version: 6.2
import PackageDescription

/// The one switch: set, the package builds what ships (Embedded Swift, release); unset, the ordinary
/// build with the tests.
let embedded = Context.environment["CORDON_EMBEDDED"] == "1"

/// Another one, for the tests alone: set, there is the program that fuzzes, and every module counts
/// where its inputs lead.
let fuzzing = Context.environment["CORDON_FUZZ"] == "1"
let fuzzer = fuzzing ? ["-sanitize=fuzzer"] : []

/// What makes the release's code a quarter smaller than -Osize alone: flash is scarce on routers.
///
/// Bounds and overflow are checked as ever; exclusivity is checked at run time in the ordinary build.
let smallCode =
  [
    // Nothing unwinds the stack: Embedded Swift's errors are values.
    "-Xcc", "-fno-asynchronous-unwind-tables", "-Xcc", "-fno-unwind-tables",
    // Nor does anything walk it: a register more for code. Past the driver, which keeps the package
    // manager's own -fno-omit-frame-pointer for the last word.
    "-Xcc", "-Xclang", "-Xcc", "-mframe-pointer=none",
    "-enforce-exclusivity=unchecked",
    // Checks of one function share their trap.
    "-Xfrontend", "-mergeable-traps",
  ]
  + [
    // Repeated sequences of instructions become functions: every function counts, all of them being
    // "linkonce" in Embedded Swift.
    "-enable-machine-outliner=always", "-enable-linkonceodr-outlining",
    // Inline only what makes the caller smaller.
    "-inline-threshold=0", "-sil-inline-generic-specialization-benefit=0",
    "-sil-inline-removed-call-benefit=5", "-sil-inline-overall-caller-block-limit=5",
  ].flatMap { ["-Xllvm", $0] }

/// For the largest executable: without the passes that write code again.
///
/// They make a function for each closure that one is passed, a loop for each case of its bounds, and
/// a callee in each caller: a thirteenth of it. The small ones have few calls of each, and grow.
let codeOnce = [
  "closure-specialize", "capture-prop", "array-property-opt", "loop-unroll", "loop-rotate",
  "cow-array-opt", "early-inline",
].flatMap { ["-Xllvm", "-sil-disable-pass=\($0)"] }

let swiftSettings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6), .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
  ]
  + (embedded
    ? [
      .enableExperimentalFeature("Embedded"),
      // object-outliner (6.3) gives constant arrays of one function in two modules the same names,
      // whatever they hold: the linker then mixes them up.
      .unsafeFlags([
        "-wmo", "-Osize", "-Xfrontend", "-function-sections", "-Xllvm",
        "-sil-disable-pass=object-outliner",
      ]),
      .unsafeFlags(smallCode),
    ] : fuzzing ? [.unsafeFlags(fuzzer)] : [])

let linkerSettings: [LinkerSetting] =
  embedded
  ? [
    .linkedLibrary("m"),
    // lld, because only it can fold equal functions, of which specialised generics leave many, and
    // makes code of what an executable hands it as LLVM's bitcode (`wholeProgram`): there the same
    // wishes have to be said again.
    .unsafeFlags(
      ["-use-ld=lld"]
        + ([
          "--gc-sections", "--as-needed", "--icf=all", "-O2", "-z", "pack-relative-relocs",
        ]
        + [
          "-enable-machine-outliner=always", "-enable-linkonceodr-outlining", "-inline-threshold=0",
          // And nothing that writes code twice to jump less.
          "-disable-block-placement", "-enable-pre=0", "-sink-common-insts", "-tail-merge-size=2",
          "-split-spill-mode=size",
        ].flatMap { ["-mllvm", $0] })
        .flatMap { ["-Xlinker", $0] }
    ),
  ] : []

/// Makes the linker write an executable's code, which is a sixteenth smaller then.
///
/// Only there nothing else can call a function: arguments that are always the same go, and what is
/// called once has no place of its own. The last mode that the frontend is told counts: the package
/// manager has no word for this.
let wholeProgram = ["-emit-bc", "-lto=llvm-full"].flatMap { ["-Xfrontend", $0] }

/// In Embedded Swift an executable's own object holds all that it uses of its modules, compiled as
/// one program: theirs would only add what the linker can't tell to be the same.
let withoutObject: [SwiftSetting] =
  embedded ? [.unsafeFlags(["-Xfrontend", "-emit-empty-object-file"])] : []

/// Unoptimised code makes the tests take six times as long; all checks but `assert` stay.
let quickTests: [SwiftSetting] = embedded ? [] : [.unsafeFlags(["-O"])]

func module(_ name: String, _ dependencies: String...) -> Target {
  .target(
    name: name,
    dependencies: dependencies.map { .init(stringLiteral: $0) },
    swiftSettings: swiftSettings + withoutObject + quickTests
  )
}

func cDoor(_ name: String) -> Target { .systemLibrary(name: name) }

func executable(
  _ name: String,
  _ room: String,
  links libraries: String...,
  flags: [String] = []
) -> Target {
  .executableTarget(
    name: name,
    dependencies: [.init(stringLiteral: room), "Linux", "Bytes"],
    swiftSettings: swiftSettings + (embedded ? [.unsafeFlags(wholeProgram + flags)] : []),
    linkerSettings: libraries.map { .linkedLibrary($0) } + linkerSettings
  )
}

/// What several test targets share.
func support(_ name: String, path: String, _ dependencies: String...) -> Target {
  .target(
    name: name,
    dependencies: dependencies.map { .init(stringLiteral: $0) },
    path: path,
    swiftSettings: swiftSettings + quickTests
  )
}

func tests(_ name: String, _ dependencies: String..., links libraries: [String] = []) -> Target {
  .testTarget(
    name: name,
    dependencies: dependencies.map { .init(stringLiteral: $0) },
    swiftSettings: swiftSettings,
    linkerSettings: libraries.map { .linkedLibrary($0) }
  )
}

let everything: [Target] =
  [
    // Codecs and nouns.
    module("Bytes"),
    module("CBOR", "Bytes"),
    module("JSON", "Bytes"),
    module("Model", "Bytes"),
    module("HTTP", "Bytes"),
    // Exchanges, settings, the messages between the rooms, replies.
    module("CoAP", "Bytes", "Model"),
    module("Configuration", "Bytes", "Model"),
    module("Link", "Bytes", "Model", "CBOR"),
    module("Report", "Bytes", "Model", "JSON"),
    // The protocol and the decisions.
    module("DOTS", "Bytes", "Model", "CBOR", "CoAP"),
    module("Mitigation", "Bytes", "Model"),
    module("Firewall", "Bytes", "Model"),
    module("Portal", "Bytes", "Model", "HTTP", "JSON"),
    // C doors and their one importer each.
    cDoor("CLinux"), cDoor("COpenSSL"), cDoor("CNetfilter"),
    module("Linux", "Bytes", "Model", "CLinux"),
    module("TLS", "Bytes", "Model", "COpenSSL"),
    module("Netlink", "Bytes", "Model", "Firewall", "Linux", "CNetfilter"),
    // What dials out: a socket and the client's end of a session on it.
    module("Dial", "Bytes", "Model", "DOTS", "TLS", "Linux"),
    // Rooms.
    module("Launcher", "Bytes", "Model", "Configuration", "Link", "Linux"),
    module("Core", "Bytes", "Model", "Mitigation", "Firewall", "Netlink", "Link", "Linux"),
    module("SignalFront", "Bytes", "Model", "TLS", "CoAP", "DOTS", "Dial", "Link", "Linux"),
    module("PortalFront", "Bytes", "Model", "HTTP", "Portal", "Link", "Linux"),
    module("TLSFront", "Bytes", "Model", "TLS", "Link", "Linux"),
    module("Resolver", "Bytes", "Model", "Link", "Linux"),
    module("Control", "Bytes", "Model", "Link", "Report", "Linux"),
    // The other side: what the ISP runs.
    module("Client", "Bytes", "Model", "TLS", "CoAP", "DOTS", "Dial", "Report", "Linux"),
    // Executables.
    executable("cordond", "Launcher"),
    executable("cordond-core", "Core", links: "mnl", "nftnl", flags: codeOnce),
    executable("cordond-signal", "SignalFront", links: "ssl", "crypto", flags: codeOnce),
    executable("cordond-portal", "PortalFront"),
    executable("cordond-tls", "TLSFront", links: "ssl", "crypto"),
    executable("cordond-resolve", "Resolver"),
    executable("cordonctl", "Control"),
    executable("cordon-client", "Client", links: "ssl", "crypto"),
  ]
  + (embedded
    ? []
    : [
      tests("BytesTests", "Bytes", "TestSupport"),
      tests("CBORTests", "Bytes", "CBOR", "TestSupport"),
      tests("JSONTests", "Bytes", "JSON"),
      tests("HTTPTests", "Bytes", "HTTP", "TestSupport"),
      tests("CoAPTests", "Bytes", "Model", "CoAP", "TestSupport"),
      tests("ConfigurationTests", "Bytes", "Model", "Configuration", "TestSupport"),
      tests("LinkTests", "Bytes", "Model", "Link", "TestSupport"),
      tests("ReportTests", "Bytes", "Model", "JSON", "Report"),
      tests("ControlTests", "Bytes", "Model", "Link", "Report", "Linux", "Control"),
      tests(
        "ClientTests",
        "Bytes",
        "Model",
        "CoAP",
        "DOTS",
        "Report",
        "TLS",
        "Linux",
        "Dial",
        "Client",
        "TestSupport",
        links: ["ssl", "crypto"]
      ),
      tests(
        "SignalFrontTests",
        "Bytes",
        "Model",
        "TLS",
        "CoAP",
        "DOTS",
        "Dial",
        "Link",
        "Linux",
        "SignalFront",
        links: ["ssl", "crypto"]
      ),
      tests("DOTSTests", "Bytes", "Model", "CBOR", "CoAP", "DOTS", "TestSupport"),
      tests("MitigationTests", "Bytes", "Model", "Mitigation", "TestSupport"),
      tests("FirewallTests", "Bytes", "Model", "Firewall", "TestServer", "TestSupport"),
      tests(
        "PortalTests",
        "Bytes",
        "Model",
        "HTTP",
        "Link",
        "Portal",
        "TestSupport"
      ),
      tests("LinuxTests", "Bytes", "Linux"),
      tests("TLSTests", "Bytes", "Model", "TLS", "TestSupport", links: ["ssl", "crypto"]),
      tests(
        "NetlinkTests",
        "Bytes",
        "Model",
        "Firewall",
        "Netlink",
        "TestSupport",
        links: ["mnl", "nftnl"]
      ),
      tests("LauncherTests", "Bytes", "Model", "Configuration", "Link", "Launcher"),
      tests(
        "CoreTests",
        "Bytes",
        "Model",
        "CBOR",
        "Link",
        "Mitigation",
        "Firewall",
        "Core",
        "TestSupport",
        links: ["mnl", "nftnl"]
      ),
      tests("FuzzTests", "FuzzEntries", links: ["mnl", "nftnl"]),
      tests("TwoMachinesTests", "Bytes", "TestServer"),
      support("TestSupport", path: "Tests/TestSupport", "Bytes"),
      support(
        "TestServer",
        path: "Tests/TestServer",
        "Bytes",
        "Model",
        "CoAP",
        "DOTS",
        "Mitigation",
        "Firewall",
        "TestSupport"
      ),
      support(
        "FuzzEntries",
        path: "Tests/Fuzz/Entries",
        "Bytes",
        "Model",
        "CBOR",
        "CoAP",
        "Configuration",
        "Core",
        "DOTS",
        "HTTP",
        "Link",
        "TestServer"
      ),
    ])
  + (fuzzing
    ? [
      .executableTarget(
        name: "cordon-fuzz",
        dependencies: ["FuzzEntries", "TestServer"],
        path: "Tests/Fuzz/Driver",
        swiftSettings: swiftSettings,
        linkerSettings: [
          .unsafeFlags(fuzzer + ["-use-ld=lld"]), .linkedLibrary("mnl"), .linkedLibrary("nftnl"),
        ]
      )
    ] : [])

let package = Package(name: "cordon", targets: everything)
