import Bytes

/// What the settings file may already hold although nothing acts on it in this version.
///
/// The one place that knows: when a feature is built, its row goes.
enum LaterFeatures {
  /// Sections that are parsed and checked, and then not used.
  static func contains(_ section: SectionKind) -> Bool {
    switch section {
    case .dataChannel: true
    case .psk, .callHome, .agent, .identity, .listen, .client, .policy, .protect, .quarantine: false
    }
  }

  /// Options that are not used, whatever their value.
  static func contains(_ option: OptionName, of section: SectionKind) -> Bool {
    switch (section, option) {
    case (.agent, .askTimeout), (.agent, .askDefault), (.agent, .offload), (.client, .altServer):
      true
    default: false
    }
  }

  /// Single values that are not used, of options that are.
  static func contains(_ value: Text, of option: OptionName, in section: SectionKind) -> Bool {
    switch (section, option) {
    case (.agent, .action), (.policy, .action): value.matches("ask")
    default: false
    }
  }
}
