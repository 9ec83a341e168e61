import Linux
import SignalFront

/// The executable's one step, beside its C entry: a target of one file would be taken for a script.
func launch(
  _ count: CInt,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  SignalRoom.run(arguments(count, values))
}
