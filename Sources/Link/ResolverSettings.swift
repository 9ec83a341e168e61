import Bytes

/// What `cordond-resolve` is told of the settings.
public struct ResolverSettings: Hashable, Coded, LinkMessage {
  /// The name that it looks up.
  public var name: Text

  /// Settings with this name.
  public init(name: Text) { self.name = name }

  /// Without a name.
  public static var blank: ResolverSettings { ResolverSettings(name: .blank) }

  /// The name.
  public mutating func code(_ coder: inout some Coder) { coder.name(&name) }
}
