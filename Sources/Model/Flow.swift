import Bytes

/// A connection as the router tracks it.
public struct Flow: Equatable, Sendable {
  /// What packets of one direction have where they come in, before any translation.
  public struct Tuple: Equatable, Sendable {
    /// The transport protocol's number.
    public var transport: UInt8
    /// The source.
    public var source: IPAddress
    /// The target.
    public var target: IPAddress
    /// Its port; 0 for protocols without ports.
    public var sourcePort: UInt16
    /// Its port; 0 for protocols without ports.
    public var targetPort: UInt16
    /// The type of ICMP or ICMPv6; 0 for others.
    public var type: UInt8

    /// A tuple of these.
    public init(
      _ transport: UInt8,
      _ source: IPAddress,
      _ sourcePort: UInt16 = 0,
      to target: IPAddress,
      _ targetPort: UInt16 = 0,
      type: UInt8 = 0
    ) {
      self.transport = transport
      self.source = source
      self.target = target
      self.sourcePort = sourcePort
      self.targetPort = targetPort
      self.type = type
    }
  }

  /// What its first packet had.
  public var original: Tuple
  /// What answers have; the other's mirror image where nothing is translated.
  public var reply: Tuple

  /// A flow of these.
  public init(_ original: Tuple, _ reply: Tuple) {
    self.original = original
    self.reply = reply
  }
}

/// Who sent a packet that a rule for any source stopped.
public struct Sender: Equatable, Sendable {
  /// The hardware address from which it came.
  public var mac: MACAddress
  /// Its source, which may be forged.
  public var source: IPAddress
  /// Its target.
  public var target: IPAddress
  /// The transport protocol's number.
  public var transport: UInt8

  /// A sender of these.
  public init(mac: MACAddress, source: IPAddress, target: IPAddress, transport: UInt8) {
    self.mac = mac
    self.source = source
    self.target = target
    self.transport = transport
  }
}

/// A device that was found behind the router's public address.
public struct FoundDevice: Hashable, Sendable {
  /// Its address in the home.
  public var address: IPAddress
  /// Its hardware address, where it is known.
  ///
  /// Of what was seen it is, unless another device forged the address.
  public var mac: MACAddress?
  /// How it was found.
  public var evidence: DeviceEvidence
  /// Whether its owner has to agree.
  public var consent = Consent.unneeded

  /// What the owner says to a rule about a device.
  public enum Consent: UInt8, Sendable {
    /// Nobody asked.
    case unneeded = 0x00
    /// Not yet anything: until then nothing is enforced for the device.
    case awaited = 0x10
    /// Yes.
    case given = 0x20
  }

  /// A device of these.
  public init(_ address: IPAddress, _ mac: MACAddress?, _ evidence: DeviceEvidence) {
    self.address = address
    self.mac = mac
    self.evidence = evidence
  }
}
