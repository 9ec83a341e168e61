import Bytes
import CLinux

/// Whole files and folders by their path.
public enum File {
  /// All of the file; throws when it has more than `limit` bytes.
  public static func contents(of path: Text, limit: Int) throws(SystemError) -> [UInt8] {
    let file = FileDescriptor(
      result: try system("open") { cordon_open(path.characters, O_RDONLY, 0) }
    )
    return try contents(of: file, limit: limit)
  }

  /// The rest of an open file; throws when that is more than `limit` bytes.
  public static func contents(
    of file: FileDescriptor,
    limit: Int
  ) throws(SystemError) -> [UInt8] {
    var contents: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = try system("read") {
        chunk.withUnsafeMutableBytes { cordon_read(file.number, $0.baseAddress, $0.count) }
      }
      if count == 0 { return contents }
      guard contents.count + count <= limit else { throw SystemError(EFBIG, "read") }
      contents += chunk.prefix(count)
    }
  }

  /// All of the file, mapped for reading until the process ends; throws when it is empty or has more
  /// than `limit` bytes.
  ///
  /// Only for files that are replaced, not cut: who reads behind a file's new end is killed.
  public static func map(
    _ path: Text,
    limit: Int
  ) throws(SystemError) -> UnsafeRawBufferPointer {
    let file = FileDescriptor(
      result: try system("open") { cordon_open(path.characters, O_RDONLY, 0) }
    )
    var start: UnsafeMutableRawPointer?
    let count = try system("mmap") { cordon_map(file.number, limit, &start) }
    return UnsafeRawBufferPointer(start: start, count: count)
  }

  /// Puts `contents` at `path`: whoever reads it, even after a loss of power, finds all of the old
  /// file or all of the new one.
  ///
  /// The new file stands at `path` with `.new` behind it for a moment; the folder must be one that
  /// only the caller can write to.
  public static func replace(
    _ path: Text,
    with contents: [UInt8],
    mode: UInt32 = 0o600
  ) throws(SystemError) {
    var left: [UInt8]? = contents
    try replace(path, mode: mode) {
      defer { left = nil }
      return left
    }
  }

  /// The same with contents that `pieces` gives one after the other, and nil after the last.
  public static func replace(
    _ path: Text,
    mode: UInt32 = 0o600,
    pieces: () -> [UInt8]?
  ) throws(SystemError) {
    let new = path + ".new"
    do {
      let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
      let file = FileDescriptor(
        result: try system("open") { cordon_open(new.characters, flags, mode) }
      )
      // Whatever the process's mask leaves of the mode.
      try system("fchmod") { cordon_fchmod(file.number, mode) }
      while let piece = pieces() { try write(piece, to: file) }
      try system("fsync") { cordon_fsync(file.number) }
      try system("rename") { cordon_rename(new.characters, path.characters) }
    } catch {
      try? remove(new)
      throw error
    }
    let folder = FileDescriptor(
      result: try system("open") { cordon_open_directory(path.folder.characters) }
    )
    try system("fsync") { cordon_fsync(folder.number) }
  }

  /// Writes all of `bytes`.
  static func write(_ bytes: [UInt8], to file: FileDescriptor) throws(SystemError) {
    try writeAll(bytes, number: file.number)
  }

  /// Removes a file or socket.
  public static func remove(_ path: Text) throws(SystemError) {
    try system("unlink") { cordon_unlink(path.characters) }
  }

  /// Whether anything is at `path`.
  public static func exists(_ path: Text) -> Bool { cordon_access(path.characters, F_OK) == 0 }

  /// When the content of the file or folder last changed; 1970 when it isn't there.
  public static func modified(_ path: Text) -> UnixTime {
    UnixTime(seconds: UInt64(max(0, cordon_modified(path.characters))))
  }

  /// Makes the folder with these permission bits unless something is there.
  public static func makeFolder(_ path: Text, mode: UInt32) throws(SystemError) {
    do { try system("mkdir") { cordon_mkdir(path.characters, mode) } } catch {
      guard error.number == EEXIST else { throw error }
    }
  }

  /// Makes the folder if it is missing, and gives it, new or found, this owner and these
  /// permission bits.
  ///
  /// A symbolic link at `path` is refused. The folder above must be there.
  public static func makeFolder(
    _ path: Text,
    mode: UInt32,
    owner: User
  ) throws(SystemError) {
    try makeFolder(path, mode: 0o700)
    // A found one may be its owner's alone: root with CAP_CHOWN and nothing more can neither open nor
    // change that before it is root's.
    try system("lchown") { cordon_own(path.characters) }
    let folder = FileDescriptor(
      result: try system("open") { cordon_open_directory(path.characters) }
    )
    try system("fchmod") { cordon_fchmod(folder.number, mode) }
    try system("fchown") { cordon_fchown(folder.number, owner.user, owner.group) }
  }

  /// A folder that exists nowhere any more, as a root for rooms: nothing can ever be made in it.
  public static func emptyRoot() throws(SystemError) -> FileDescriptor {
    var path = Text("/tmp/cordon-XXXXXX").characters
    if !exists("/tmp") { path = Text("/run/cordon-XXXXXX").characters }
    try system("mkdtemp") { cordon_mkdtemp(&path) }
    let made = path
    defer { _ = cordon_rmdir(made) }
    return FileDescriptor(result: try system("open") { cordon_open_directory(made) })
  }
}

extension Text {
  /// The path of the folder that the file at this path is in.
  public var folder: Text {
    guard let slash = bytes.lastIndex(of: 0x2F) else { return "." }
    return slash == 0 ? "/" : Text([UInt8](bytes[..<slash]))
  }

  /// The last part of a path: the name within its folder.
  public var lastComponent: Text { split(0x2F).last ?? self }
}

/// Writes all of `bytes` to the open descriptor `number`.
func writeAll(_ bytes: [UInt8], number: Int32) throws(SystemError) {
  var written = 0
  while written < bytes.count {
    let offset = written
    written += try system("write") {
      bytes.withUnsafeBytes {
        let rest = UnsafeRawBufferPointer(rebasing: $0[offset...])
        return cordon_write(number, rest.baseAddress, rest.count)
      }
    }
  }
}
