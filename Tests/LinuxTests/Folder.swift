import Bytes
import Linux

/// A folder of the test's own; small, and left to the system to clear.
func temporaryFolder() throws -> Text {
  var name = ""
  for byte in try randomBytes(8) { name += String(byte, radix: 16) }
  let path = Text("/tmp/cordon-test-" + name)
  try File.makeFolder(path, mode: 0o700)
  return path
}
