import Bytes
import Foundation
import Glibc

@testable import TLS

/// A server on a UDP socket of 127.0.0.1, driven by the test's own loop.
final class Endpoint {
  struct SocketFailure: Error {}

  let server: DTLSServer
  let port: UInt16
  /// Everything that the server did but sending, and when.
  private(set) var log: [DTLSServer.Action] = []
  /// The last datagrams of each session's peer, for tests that repeat them.
  private(set) var arrived: [(peer: PeerAddress, datagram: [UInt8])] = []
  /// What is answered to application datagrams.
  var answer: ([UInt8]) -> [UInt8]? = { $0 }
  private let descriptor: CInt
  private let local = IPAddress(v4: 0x7F00_0001)
  private var buffer = [UInt8](repeating: 0, count: 65536)

  init(_ credentials: Credentials) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    self.descriptor = descriptor
    guard descriptor >= 0 else { throw SocketFailure() }
    var name = Self.socketAddress(0x7F00_0001, 0)
    guard Self.bind(descriptor, to: &name) else { throw SocketFailure() }
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = getsockname(descriptor, $0, &length)
      }
    }
    port = UInt16(bigEndian: name.sin_port)
    server = try DTLSServer(credentials: credentials, now: Self.now)
  }

  deinit { close(descriptor) }

  var sessions: [SessionID] {
    log.compactMap { if case .established(let id, _, _) = $0 { id } else { nil } }
  }

  var refusals: [HandshakeFailure] {
    log.compactMap { if case .refused(_, let failure) = $0 { failure } else { nil } }
  }

  var received: [[UInt8]] {
    log.compactMap { if case .received(_, let bytes) = $0 { bytes } else { nil } }
  }

  /// Handles what comes in until `isDone`, at most `seconds`; whether it was done, and how long it
  /// took.
  @discardableResult
  func run(_ seconds: Double = 30, until isDone: () -> Bool) -> (isDone: Bool, took: Double) {
    let start = Date()
    while !isDone() {
      let left = seconds - Date().timeIntervalSince(start)
      guard left > 0 else { return (false, seconds) }
      var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      if poll(&event, 1, CInt(min(left * 1000 + 1, 20))) > 0 { receive() }
      if let next = server.nextTimeout, next <= Self.now {
        perform(server.timedOut(now: Self.now, wall: Self.wall))
      }
    }
    return (true, Date().timeIntervalSince(start))
  }

  func perform(_ actions: [DTLSServer.Action]) {
    for action in actions {
      if case .send(let datagram, let peer) = action {
        send(datagram, to: peer)
      } else {
        log.append(action)
      }
      if case .received(let session, let bytes) = action, let answer = answer(bytes),
        let actions = try? server.send(answer, on: session)
      {
        perform(actions)
      }
    }
  }

  /// Hands a datagram to the server as if it came from `peer`.
  func inject(_ datagram: [UInt8], from peer: PeerAddress) {
    perform(server.received(datagram, from: peer, now: Self.now, wall: Self.wall))
  }

  private func receive() {
    var name = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let count = withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        recvfrom(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT), $0, &length)
      }
    }
    guard count >= 0 else { return }
    let remote = IPAddress(v4: UInt32(bigEndian: name.sin_addr.s_addr))
    let peer = PeerAddress(
      remote: remote,
      remotePort: UInt16(bigEndian: name.sin_port),
      local: local
    )
    let datagram = [UInt8](buffer.prefix(count))
    arrived.append((peer, datagram))
    inject(datagram, from: peer)
  }

  private func send(_ datagram: [UInt8], to peer: PeerAddress) {
    var name = Self.socketAddress(UInt32(truncatingIfNeeded: peer.remote.low), peer.remotePort)
    withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = sendto(
          descriptor,
          datagram,
          datagram.count,
          0,
          $0,
          socklen_t(MemoryLayout<sockaddr_in>.size)
        )
      }
    }
  }

  /// Sends a datagram to the endpoint from another address of the loopback interface.
  func spoof(_ datagram: [UInt8], from address: UInt32) {
    let other = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    defer { close(other) }
    var source = Self.socketAddress(address, 0)
    guard Self.bind(other, to: &source) else { return }
    var name = Self.socketAddress(0x7F00_0001, port)
    withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = sendto(other, datagram, datagram.count, 0, $0, length)
      }
    }
  }

  static var now: Instant {
    var time = timespec()
    clock_gettime(CLOCK_BOOTTIME, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }

  static var wall: UnixTime { UnixTime(seconds: UInt64(Date().timeIntervalSince1970)) }

  static func socketAddress(_ address: UInt32, _ port: UInt16) -> sockaddr_in {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = address.bigEndian
    name.sin_port = port.bigEndian
    return name
  }

  static func bind(_ descriptor: CInt, to name: inout sockaddr_in) -> Bool {
    withUnsafeMutablePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}

/// A client program; ends with the object.
final class Program {
  private let process = Process()
  private let input = Pipe()
  private let outputPath: String

  init(_ path: String, _ arguments: [String]) throws {
    outputPath = NSTemporaryDirectory() + "tls-tests-output-" + UUID().uuidString
    _ = FileManager.default.createFile(atPath: outputPath, contents: nil)
    let output = FileHandle(forWritingAtPath: outputPath)
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
  }

  deinit {
    kill()
    try? FileManager.default.removeItem(atPath: outputPath)
  }

  var isRunning: Bool { process.isRunning }

  var output: String {
    let data = FileManager.default.contents(atPath: outputPath) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  func write(_ line: String) { input.fileHandleForWriting.write(Data(line.utf8)) }

  /// Ends the program as a power cut would.
  func kill() {
    guard process.isRunning else { return }
    Glibc.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}
