import Bytes

/// What the command line asks for.
enum Command: Equatable {
  /// Run with this settings file; nil: the usual one.
  case run(Text?)
  /// Check this settings file and say what is wrong with it.
  case check(Text?)
  case version
  case help

  /// Why a command line can't be understood.
  enum Mistake: Error, Equatable, CustomTextConvertible {
    case unknown(Text)
    case fileMissing

    var text: Text {
      switch self {
      case .unknown(let word): "there is no argument '\(word)'"
      case .fileMissing: "--config needs a file"
      }
    }
  }

  static let usage: Text = """
    Usage: cordond [--config FILE] [--check] [--version] [--help]
      --config FILE  read the settings from FILE
      --check        check the settings and exit
      --version      say which version this is
    Exit status: 0 stopped, 1 could not start, 2 usage or settings.

    """

  init(_ arguments: [Text]) throws(Mistake) {
    var file: Text?
    var checks = false
    var isFile = false
    for word in arguments {
      if isFile {
        if word.isEmpty { throw .fileMissing }
        file = word
        isFile = false
      } else if word == "--config" {
        isFile = true
      } else if word.hasPrefix("--config="), word.count > 9 {
        file = word.dropFirst(9)
      } else if word == "--check" {
        checks = true
      } else if word == "--version" {
        self = .version
        return
      } else if word == "--help" || word == "-h" {
        self = .help
        return
      } else {
        throw .unknown(word)
      }
    }
    if isFile { throw .fileMissing }
    self = checks ? .check(file) : .run(file)
  }
}
