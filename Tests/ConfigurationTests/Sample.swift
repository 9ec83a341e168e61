/// A file with every section and every option, each with its default where it has one.
let sample = #"""
  config agent 'agent'
    option enabled '1'
    list wan 'wan0'                      # interfaces towards the ISP
    list lan 'br-lan'                    # interfaces towards the home
    option action 'block'                # block | limit | quarantine | ask | observe
    option limit '1mbit'                 # rate when action is limit
    option ask_timeout '600'             # seconds; then ask_default
    option ask_default 'block'           # block | refuse
    option terminating '120'             # seconds, 0 to 300
    option conflict 'accept'             # accept | reject
    option max_quarantined '8'
    option offload ''                    # 'flush': delete conntrack entries of matched flows
    option user 'cordon'
    option signal_user 'cordon-signal'
    option portal_user 'cordon-portal'
    option tls_user 'cordon-tls'
    option resolve_user 'cordon-resolve'
    option state '/var/lib/cordon'
    option control '/run/cordon/control'
    option leases '/var/lib/misc/dnsmasq.leases'   # device names; optional
    option log_level 'info'              # error | warning | info | debug

  config identity 'identity'
    option certificate '/etc/cordon/cpe.crt'
    option key '/etc/cordon/cpe.key'
    option trust '/etc/cordon/isp-ca.crt'
    option crl ''                        # checked only when given

  config psk 'isp-key'                     # instead of, or beside, certificates
    option identity 'cpe-0001'
    option key_file '/etc/cordon/psk'

  config listen 'isp'                      # the client connects to us
    option address '::'                  # default: all addresses
    option port '4646'
    list transport 'udp'
    list transport 'tcp'

  config call_home 'noc'                   # RFC 9066: we connect to the client
    option host 'dots.isp.example'       # name or address
    option name 'dots.isp.example'       # name its certificate must carry; default: host
    option port '4646'                   # no default
    option transport 'udp'               # udp | tcp | auto (Happy Eyeballs)
    list redirect_allow 'isp.example'    # domains that a redirect may name

  config data_channel 'data'               # RFC 8783 (RESTCONF over TLS)
    option port '8443'

  config client 'telemetry'                # who may ask
    option name 'telemetry.isp.example'
    option pin ''                        # optional SHA-256 of its public key
    list may 'block'                     # actions it may ask for
    list target '0.0.0.0/0'              # targets it may name; absent: any
    option internal '0'                  # 1: may name addresses inside the home
    option overlap 'scope'               # scope | target
    option gateway '0'                   # 1: a server-domain gateway that sets cdid
    option max_mitigations '256'
    option max_elements '4096'
    option max_rate '10'                 # changes a second; 0: no limit
    option max_lifetime '86400'
    option alt_server ''                 # redirected signalling, base mode

  config policy 'cameras'                  # optional: first match wins, else agent.action
    option mac '00:11:22'                # prefix; or: option source, option client
    option action 'quarantine'

  config protect 'alarm'                   # what no request can touch
    option mac '00:11:22:33:44:55'       # all kinds must match, of a list one value
    list udp '5060'
    list prefix '192.0.2.0/24'

  config quarantine 'quarantine'
    option portal_port '8646'
    # option name 'cordon.lan'           # no default
    list garden 'help.isp.example'
    option releases '2'
    option helpdesk 'tel:+1-555-0100'
    option theme '/etc/cordon/theme'
    option api_certificate ''            # with api_key: enables RFC 8908/8910
    option api_key ''
  """#
