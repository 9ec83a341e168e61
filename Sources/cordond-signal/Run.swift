import Bytes
import SignalFront

/// Runs the room. A second file, because a target of one file would be a script.
func run(_ arguments: [Text]) -> Int32 { SignalRoom.run(arguments) }
