import Bytes

/// What this program is.
public enum Software {
  /// The version of all executables.
  public static var version: Text { "0.1.0" }
}
