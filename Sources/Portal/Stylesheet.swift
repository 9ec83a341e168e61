/// The page's looks: readable on 320 px and at 200 %, contrast AA in light and dark.
enum Stylesheet {
  static let rules: StaticString = """
    *{box-sizing:border-box}
    html{--b:#fff;--f:#1b1f23;--m:#555b61;--l:#c4c9ce;--k:#f2f4f6;--a:#0b4f96;--c:#0b4f96;\
    color-scheme:light dark}
    @media(prefers-color-scheme:dark){html{--b:#14181b;--f:#eceff1;--m:#b4bbc1;--l:#454c52;\
    --k:#20262b;--a:#93c7ff}}
    body{margin:0 auto;padding:0 1rem 3rem;max-width:42rem;background:var(--b);color:var(--f);\
    font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
    header{padding:.75rem 0;border-bottom:.25rem solid var(--c)}
    header img{display:block;max-width:100%;max-height:3rem}
    nav ul{display:flex;flex-wrap:wrap;gap:0 1rem;margin:0;padding:0;list-style:none}
    nav a,summary{display:inline-block;min-height:44px;padding:.6rem 0}
    summary{display:list-item;cursor:pointer}
    a{color:var(--a)}
    [aria-current]{color:inherit;font-weight:600;text-decoration:none}
    h1{font-size:1.6rem;line-height:1.25}
    h2{font-size:1.2rem;margin:2rem 0 .5rem}
    li{margin:.4rem 0}
    dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.3rem 1rem;margin:0}
    dt,small{color:var(--m)}
    dd{margin:0}
    .n{margin:1rem 0;padding:.75rem 1rem;background:var(--k);border-inline-start:.3rem solid var(--c)}
    button,input{min-height:44px;padding:.5rem 1rem;font:inherit;border:1px solid var(--m);\
    border-radius:.4rem}
    button{margin:.5rem 0;background:var(--c);color:#fff;font-weight:600;cursor:pointer}
    input{display:block;width:100%;max-width:20rem;background:var(--b);color:var(--f)}
    :focus-visible{outline:3px solid var(--a);outline-offset:2px}
    @media(max-width:24rem){dl{display:block}dd{margin:0 0 .5rem}}

    """
}
