import Linux

/// Where the program begins: SwiftPM links MODULE_main as its entry.
@c(cordond_signal_main)
func enter(
  _ count: CInt,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  run(arguments(count, values))
}
