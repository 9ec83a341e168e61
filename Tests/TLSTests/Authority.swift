import Foundation
import TLS

/// A certificate and its key, as files for client programs.
struct Holder: Sendable {
  let certificate: String
  let key: String
}

/// An authority made by the `openssl` program in a directory that goes when the authority does.
final class Authority: Sendable {
  struct ProgramFailure: Error {
    let arguments: [String]
    let output: String
  }

  let directory: String

  init() throws {
    directory = NSTemporaryDirectory() + "tls-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: directory + "/ca",
      withIntermediateDirectories: true
    )
    try write("ca/index.txt", "")
    try write("ca/serial", "1000\n")
    try write("ca/crlnumber", "01\n")
    try write("ca.cnf", Self.settings)
    try makeRoot("root")
    try makeRoot("other")
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// Issues a certificate; `dates` are start and end as `openssl ca` wants them.
  func issue(
    _ name: String,
    by issuer: String = "root",
    extensions: String = "client",
    dates: (String, String)? = nil,
    rsa: Bool = false
  ) throws -> Holder {
    let algorithm = rsa ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    try run(
      ["req", "-new", "-nodes", "-newkey"] + algorithm
        + ["-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name]
    )
    let validity = dates.map { ["-startdate", $0.0, "-enddate", $0.1] } ?? ["-days", "30"]
    try run(
      ["ca", "-batch", "-config", "ca.cnf", "-notext", "-extensions", extensions]
        + ["-cert", issuer + ".pem", "-keyfile", issuer + ".key"]
        + ["-in", name + ".csr", "-out", name + ".pem"] + validity
    )
    return Holder(certificate: path(name + ".pem"), key: path(name + ".key"))
  }

  /// Revokes a certificate; `revocations` tells it from now on.
  func revoke(_ holder: Holder) throws {
    try run(
      ["ca", "-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key"]
        + ["-revoke", holder.certificate]
    )
  }

  /// The present revocation list in PEM.
  func revocations() throws -> [UInt8] {
    try run(
      ["ca", "-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key"]
        + ["-gencrl", "-crldays", "30", "-out", "crl.pem"]
    )
    return try bytes("crl.pem")
  }

  func credentials(_ server: Holder, revocations: [UInt8]? = nil) throws -> Credentials {
    Credentials(
      certificateChain: try bytes(server.certificate),
      privateKey: try bytes(server.key),
      trust: try bytes("root.pem"),
      revocations: revocations
    )
  }

  func path(_ name: String) -> String { name.hasPrefix("/") ? name : directory + "/" + name }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  private func makeRoot(_ name: String) throws {
    try run(
      ["req", "-x509", "-config", "ca.cnf", "-extensions", "root", "-nodes", "-days", "30"]
        + ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=" + name]
        + ["-keyout", name + ".key", "-out", name + ".pem"]
    )
  }

  private func write(_ name: String, _ text: String) throws {
    try text.write(toFile: path(name), atomically: true, encoding: .utf8)
  }

  private func run(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    process.standardOutput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let output = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ProgramFailure(arguments: arguments, output: output)
    }
  }

  private static let settings = """
    [ca]
    default_ca = settings
    [settings]
    dir = ca
    database = ca/index.txt
    serial = ca/serial
    crlnumber = ca/crlnumber
    new_certs_dir = ca
    default_md = sha256
    policy = anything
    unique_subject = no
    [anything]
    commonName = supplied
    [req]
    distinguished_name = name
    [name]
    [root]
    basicConstraints = critical,CA:TRUE
    keyUsage = critical,keyCertSign,cRLSign
    subjectKeyIdentifier = hash
    [client]
    basicConstraints = CA:FALSE
    keyUsage = critical,digitalSignature
    extendedKeyUsage = clientAuth
    subjectAltName = DNS:dots.isp.example,DNS:second.isp.example
    [server]
    basicConstraints = CA:FALSE
    keyUsage = critical,digitalSignature
    extendedKeyUsage = serverAuth
    subjectAltName = DNS:router.example,IP:127.0.0.1
    [nameless]
    basicConstraints = CA:FALSE
    keyUsage = critical,digitalSignature
    extendedKeyUsage = serverAuth
    [wildcard]
    basicConstraints = CA:FALSE
    keyUsage = critical,digitalSignature
    extendedKeyUsage = serverAuth
    subjectAltName = DNS:*.isp.example
    [partial]
    basicConstraints = CA:FALSE
    keyUsage = critical,digitalSignature
    extendedKeyUsage = serverAuth
    subjectAltName = DNS:rou*.example
    [intermediate]
    basicConstraints = critical,CA:TRUE
    keyUsage = critical,keyCertSign,cRLSign
    """
}
