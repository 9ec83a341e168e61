import Bytes
import Model

/// The kinds of message between the portal and core, both directions.
public enum PortalDoorKind: UInt8, CaseIterable, Sendable {
  case look = 1
  case wish = 2
  case home = 3
  case view = 4
}

/// What the portal tells core.
///
/// Core finds the device behind the address itself: the portal can speak for nobody else.
public enum PortalMessage: Hashable, LinkMessage {
  /// Somebody at this address asks for the page.
  case look(handle: UInt32, IPAddress)
  /// Somebody at this address, who has proved with a token to have seen the page, asks for this.
  case wish(handle: UInt32, IPAddress, PortalWish)

  /// The longest code of the helpdesk, in bytes.
  public static let maximumCode = 32

  /// Writes the kind, the handle and the address; after a wish, null or the code of a release.
  public func write(to writer: inout ItemWriter) {
    switch self {
    case .look(let handle, let address):
      writer.kind(PortalDoorKind.look)
      writer.value(handle)
      writer.value(address)
    case .wish(let handle, let address, let wish):
      writer.kind(PortalDoorKind.wish)
      writer.value(handle)
      writer.value(address)
      switch wish {
      case .checkAgain: _ = writer.isPresent(false)
      case .release(var code): writer.text(&code, limit: Self.maximumCode)
      }
    }
  }

  /// Reads these.
  public init(from reader: inout ItemReader) {
    let kind = PortalDoorKind(rawValue: reader.value())
    if kind != .look, kind != .wish { reader.fail(.unknownKind) }
    let handle: UInt32 = reader.value()
    let address: IPAddress = reader.value()
    guard kind == .wish else {
      self = .look(handle: handle, address)
      return
    }
    let isRelease = reader.isPresent(true)
    let wish: PortalWish =
      isRelease ? .release(code: reader.text(limit: Self.maximumCode)) : .checkAgain
    self = .wish(handle: handle, address, wish)
  }
}

/// What core tells the portal.
///
/// Indirect: a copy is then one reference, not code for each list of each case.
public indirect enum PortalNotice: Hashable, LinkMessage {
  /// The router's own addresses in the home; first when the door opens, and when they change.
  case home([IPAddress])
  /// The answer to a look, or to a wish together with what it came to.
  case view(handle: UInt32, PortalView, WishOutcome?)

  /// The most addresses that are told.
  public static let maximumAddresses = 64

  /// Writes the kind and what it carries; of the addresses, the first.
  public func write(to writer: inout ItemWriter) {
    switch self {
    case .home(var addresses):
      writer.kind(PortalDoorKind.home)
      writer.list(&addresses, limit: Self.maximumAddresses, isCut: true)
    case .view(let handle, let view, let outcome):
      writer.kind(PortalDoorKind.view)
      writer.value(handle)
      writer.value(view)
      writer.optional(outcome)
    }
  }

  /// Reads the kind and what it carries.
  public init(from reader: inout ItemReader) {
    switch PortalDoorKind(rawValue: reader.value()) {
    case .home:
      var addresses: [IPAddress] = []
      reader.list(&addresses, limit: Self.maximumAddresses)
      self = .home(addresses)
    case .view: self = .view(handle: reader.value(), reader.value(), reader.optional())
    case .look, .wish, nil:
      reader.fail(.unknownKind)
      self = .home([])
    }
  }
}
