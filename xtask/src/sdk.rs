//! The SDK's traits as a linked module shows them.

/// Module `traits` of the SDK, in a demangled symbol.
const TRAITS: &str = "proxy_wasm::traits::";

/// The method's name, when the symbol is of a method of the SDK's traits that only a filter would call: `get_property`,
/// `dispatch_grpc_call`, `resume_http_request` and some two hundred more.
///
/// The SDK's dispatcher calls the others: `on_*`, `create_*` and `get_type`. The filters call none of these methods, but
/// `proxy_wasm::hostcalls` (they unwrap what the host returns), and yet each stands in the table of every type that has the trait.
pub fn accessor(symbol: &str) -> Option<String> {
    let path = format!("{:#}", rustc_demangle::demangle(symbol));
    // `proxy_wasm::traits::Context::done`, or in the newer mangling `<T as proxy_wasm::traits::Context>::done`.
    let (_, rest) = path.rsplit_once(TRAITS)?;
    let (_, method) = rest.split_once("::").filter(|(_, method)| !method.contains("::"))?;
    let dispatched = method.starts_with("on_") || method.starts_with("create_") || method == "get_type";
    (!dispatched).then(|| method.to_owned())
}

#[cfg(test)]
mod tests {
    use super::accessor;

    #[test]
    fn accessors_are_known_in_both_manglings() {
        for symbol in [
            "_ZN10proxy_wasm6traits7Context12get_property17h0123456789abcdefE",
            "_RNvYNtNtCsbmqJFMfGX1z_11irsa_signer6stream6StreamNtNtCs4fqI2P2rA04_10proxy_wasm6traits7Context12get_propertyB4_",
        ] {
            assert_eq!(accessor(symbol).as_deref(), Some("get_property"), "{symbol}");
        }
    }

    #[test]
    fn what_the_dispatcher_calls_is_no_accessor() {
        for symbol in [
            "_ZN10proxy_wasm6traits11RootContext7on_tick17h0123456789abcdefE",
            "_ZN10proxy_wasm6traits11RootContext19create_http_context17h0123456789abcdefE",
            "_ZN10proxy_wasm6traits11RootContext8get_type17h0123456789abcdefE",
            "_ZN79_$LT$irsa_signer..stream..Stream$u20$as$u20$proxy_wasm..traits..HttpContext$GT$23on_http_request_headers17h0123456789abcdefE",
        ] {
            assert_eq!(accessor(symbol), None, "{symbol}");
        }
    }

    #[test]
    fn other_functions_are_no_accessors() {
        for symbol in [
            "",
            "proxy_on_tick",
            "_ZN10proxy_wasm9hostcalls12get_property17h0123456789abcdefE",
            "_ZN10proxy_wasm6traits7Context12get_property28_$u7b$$u7b$closure$u7d$$u7d$17h0123456789abcdefE",
            "_ZN5other6traits7Context12get_property17h0123456789abcdefE",
        ] {
            assert_eq!(accessor(symbol), None, "{symbol}");
        }
    }
}
