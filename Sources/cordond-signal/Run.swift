import Bytes
import SignalFront

// A second file, because a target of one file would be a script.

/// Runs the room and gives its exit status.
func run(_ arguments: [Text]) -> Int32 { SignalRoom.run(arguments) }
