//! How the next token is chosen: a chain of llama.cpp's own samplers.

use llama_cpp_2::sampling::LlamaSampler;
use mesoclaw_agent::model::GenerationParams;

/// Small models wander off at the temperatures big ones like.
const DEFAULT_TEMPERATURE: f32 = 0.2;
const DEFAULT_TOP_P: f32 = 0.9;
/// Keeps top-p from sorting the whole vocabulary; far below what top-p 0.9 ever keeps.
const TOP_K: i32 = 40;
/// Tokens of the answer the repeat penalty looks back at.
const PENALTY_TOKENS: i32 = 64;
/// llama.cpp draws a fresh seed for this value.
const RANDOM_SEED: u32 = u32::MAX;

/// The chain for one answer. The penalty sees the answer only: words of the question may be used.
pub(crate) fn chain(params: &GenerationParams, repeat_penalty: f32, n_vocab: i32) -> LlamaSampler {
    let mut samplers = Vec::new();
    if repeat_penalty.is_finite() && repeat_penalty > 1.0 {
        samplers.push(LlamaSampler::penalties(
            n_vocab,
            PENALTY_TOKENS,
            repeat_penalty,
            0.0,
            0.0,
        ));
    }
    let temperature = params.temperature.unwrap_or(DEFAULT_TEMPERATURE);
    if temperature.is_finite() && temperature > 0.0 {
        let top_p = params.top_p.unwrap_or(DEFAULT_TOP_P).clamp(0.0, 1.0);
        let seed = params
            .seed
            .map_or(RANDOM_SEED, |seed| seed.min(RANDOM_SEED - 1));
        samplers.push(LlamaSampler::top_k(TOP_K));
        samplers.push(LlamaSampler::top_p(top_p, 1));
        samplers.push(LlamaSampler::temp(temperature));
        samplers.push(LlamaSampler::dist(seed));
    } else {
        samplers.push(LlamaSampler::greedy());
    }
    LlamaSampler::chain(samplers, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_follows_the_parameters() {
        let params = |temperature, seed| GenerationParams {
            temperature,
            seed,
            ..GenerationParams::default()
        };
        let cases = [
            (params(Some(0.0), None), 1.0, vec!["greedy"]),
            (params(Some(0.0), Some(7)), 1.1, vec!["penalties", "greedy"]),
            (
                params(None, Some(7)),
                1.0,
                vec!["top-k", "top-p", "temp", "dist"],
            ),
            (params(Some(f32::NAN), None), f32::NAN, vec!["greedy"]),
        ];
        for (params, repeat_penalty, expected) in cases {
            let told = format!("{:?}", chain(&params, repeat_penalty, 1000));
            let names: Vec<&str> = told
                .split("name: \"")
                .skip(2)
                .filter_map(|rest| rest.split('"').next())
                .map(|name| name.trim_start_matches(['+', '?']))
                .collect();
            assert_eq!(names, expected, "{told}");
        }
        assert_eq!(chain(&params(None, Some(7)), 1.0, 1000).get_seed(), 7);
    }
}
