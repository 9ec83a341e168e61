import Bytes
import CLinux

/// Tells systemd how the service is: sd_notify(3) without libsystemd.
///
/// Does nothing where no service manager listens.
public struct ServiceManager {
  private let descriptor: FileDescriptor?

  /// How often `isAlive` must be told: half of what the unit says; nil when nobody watches.
  public let watchdogInterval: Span?

  /// Reads where to speak from the environment, before the process gives up its root.
  public init() {
    var descriptor: FileDescriptor?
    if let path = Environment.value(of: "NOTIFY_SOCKET") {
      let number = try? system("connect") {
        cordon_unix_connect(path.characters, path.count, 1)
      }
      descriptor = number.map { FileDescriptor(result: $0) }
    }
    self.descriptor = descriptor
    let microseconds = Environment.value(of: "WATCHDOG_USEC")?.decimal(as: UInt64.self)
    watchdogInterval = microseconds.map { .milliseconds($0 / 2000) }
  }

  /// The service works.
  public func isReady() { notify("READY=1") }

  /// The settings are read again; `isReady` follows.
  public func isReloading() {
    // The manager wants the moment on CLOCK_MONOTONIC, which tells two reloads apart.
    notify("RELOADING=1\nMONOTONIC_USEC=" + Text(decimal: cordon_monotonic_microseconds()))
  }

  /// The service stops.
  public func isStopping() { notify("STOPPING=1") }

  /// The service goes on.
  public func isAlive() { notify("WATCHDOG=1") }

  private func notify(_ state: Text) {
    guard let descriptor else { return }
    _ = state.bytes.withUnsafeBytes {
      cordon_send_message(descriptor.number, $0.baseAddress, $0.count, -1)
    }
  }
}
