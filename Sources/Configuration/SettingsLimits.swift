/// Implementation limits of the settings file: far above any real home, low enough that a file put
/// there by mistake can't fill the router's memory.
public enum SettingsLimits {
  /// Bytes of the file.
  public static let fileSize = 256 * 1024
  /// Sections of the file.
  public static let sections = 512
  /// `option` and `list` lines of one section.
  public static let optionsPerSection = 512
  /// Bytes of one word: a keyword, a name or a value.
  public static let wordLength = 1024
  /// Bytes of a path that is opened: PATH_MAX without its NUL would be more than a word.
  public static let path = 1024
  /// Bytes of a path that a socket is bound to: what sockaddr_un holds, without its NUL.
  public static let socketPath = 107
  /// Bytes of a section's name: it stands in log lines.
  public static let sectionName = 64
  /// Bytes of a host's name (RFC 1035, Section 2.3.4), and of a client's.
  public static let name = 255
}
