@c(cordon_fuzz_main)
func main(
  _ count: CInt,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  launch(count, values)
}
