import Bytes

extension ClientProgram {
  /// What `--help` says.
  static let usage: Text = """
    Usage: cordon-client --connect HOST[:PORT] IDENTITY [OPTION]... COMMAND
           cordon-client --listen [ADDRESS]:PORT IDENTITY [OPTION]... COMMAND
           cordon-client --listen [ADDRESS]:PORT IDENTITY [OPTION]... --control PATH serve
           cordon-client --control PATH [--router NAME] [--json] COMMAND
    With --listen the router connects: the first to call gets the command; serve keeps all who call,
    and takes commands at the socket PATH for the router with that NAME in its certificate.
      mitigate --mid N SCOPE [--lifetime S|indefinite]
                           ask for a mitigation, or refresh it (S: seconds, usually 3600)
      efficacy --mid N under-attack|mitigated SCOPE [--lifetime S|indefinite]
                           tell how the attack goes on; the scope is that of the request
      withdraw --mid N     end a mitigation
      status [--mid N] [--watch]
                           how mitigations stand; with --watch each new state until the end
      config get           what holds on the session
      config set PARAMETER... [--idle|--mitigating]
                           choose parameters of the session, for both sets or one
      config reset         go back to the defaults
      heartbeat            see whether the server answers
      redirect --to NAME [--address A]... [--ttl S]
                           send a router that called to another client
      sessions             with --control: which routers have a session
    IDENTITY
      --certificate FILE --key FILE --trust FILE
                           our chain, its key, the authorities of servers; in PEM
      --psk-identity NAME --psk-file FILE
                           a pre-shared key instead
    SCOPE
      --target PREFIX...   under attack; at least one
      --source PREFIX...   attacking: the home's address as it is seen from outside
      --target-port A[-B]..., --source-port A[-B]..., --protocol N|tcp|udp|icmp|icmpv6...
      --action block|limit|quarantine
                           what is to be done, instead of the router's choice
      --no-trigger         only when the session is lost
    PARAMETER
      --heartbeat-interval S, --missing-hb-allowed N, --max-retransmit N, --ack-timeout S,
      --ack-random-factor F, --probing-rate N
    OPTION
      --name NAME          the name in the server's certificate, if it isn't HOST
      --transport udp|tcp|auto
                           usually udp; auto tries tcp as well; with --listen usually auto: both
      --cuid TEXT          the client's identifier; usually made from IDENTITY
      --ticket FILE        resume the last session with what FILE keeps
      --timeout S          wait so long for the session (--listen: for ever unless said), and for each
                           answer; usually 30
      --json               answer in JSON, one object a line
      --version            say which version this is
    The port is usually 4646.
    Exit status: 0 done, 1 failed, 2 usage, 3 not reachable, 4 refused, 5 not found, 6 conflict,
    7 timed out.

    """
}
