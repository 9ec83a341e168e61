import Bytes
import CBOR
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

  /// The kind and what it carries; a wish is null, or the code of a release.
  public var elements: [CBORValue] {
    switch self {
    case .look(let handle, let address):
      [PortalDoorKind.look.rawValue.cbor, handle.cbor, address.cbor]
    case .wish(let handle, let address, .checkAgain):
      [PortalDoorKind.wish.rawValue.cbor, handle.cbor, address.cbor, .null]
    case .wish(let handle, let address, .release(let code)):
      [PortalDoorKind.wish.rawValue.cbor, handle.cbor, address.cbor, code.cbor]
    }
  }

  /// The message whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    switch PortalDoorKind(rawValue: kind) {
    case .look: self = .look(handle: try fields.next(), try fields.next())
    case .wish:
      let handle: UInt32 = try fields.next()
      let address: IPAddress = try fields.next()
      let code = try fields.item()
      if code.isNull {
        self = .wish(handle: handle, address, .checkAgain)
      } else {
        guard let code = code.text, code.count <= Self.maximumCode else { throw .malformed }
        self = .wish(handle: handle, address, .release(code: code))
      }
    case .home, .view, nil: throw .unknownKind
    }
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

  /// The kind and what it carries.
  public var elements: [CBORValue] {
    switch self {
    case .home(let addresses):
      let told = [IPAddress](addresses.prefix(Self.maximumAddresses))
      return [PortalDoorKind.home.rawValue.cbor, told.cbor]
    case .view(let handle, let view, let outcome):
      return [PortalDoorKind.view.rawValue.cbor, handle.cbor, view.cbor, outcome.cbor]
    }
  }

  /// The message whose fields these are.
  public init(kind: UInt8, fields: inout Fields) throws(LinkError) {
    switch PortalDoorKind(rawValue: kind) {
    case .home: self = .home(try fields.list(limit: Self.maximumAddresses))
    case .view:
      self = .view(handle: try fields.next(), try fields.next(), try fields.optional())
    case .look, .wish, nil: throw .unknownKind
    }
  }
}
