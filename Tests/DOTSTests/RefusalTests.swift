import CBOR
import CoAP
import DOTS
import Testing

@Test(
  "MIT-PUT-19 what is mandatory and missing, double, invalid or unknown is 4.00 with words",
  arguments: [
    put(valid(without: 6)), put(valid(without: 14)), put(body([scope(valid()), scope(valid())])),
    put(body([])), put(valid([14: .text("60")])), put(valid([7: .unsigned(1)])),
    put(valid([99: .unsigned(1)])), put([]),
    request(.put, "mitigate", "mid=200", payload: body([scope(valid())])),
    request(.put, "mitigate", cuid, payload: body([scope(valid())])),
    request(.put, "mitigate", cuid, "mid=x", payload: body([scope(valid())])),
  ]
)
func refusedRequests(_ message: CoAPMessage) {
  let error = refusal(message)
  #expect(error?.code == .badRequest && error?.diagnostic.isEmpty == false)
}

@Test("MIT-PUT-19 the request that those differ from is taken")
func takenRequest() { #expect(refusal(put(valid())) == nil) }
