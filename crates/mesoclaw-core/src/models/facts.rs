//! What is known of a model: what a person said wins over the catalogue; what nobody said is not
//! known.

use mesoclaw_api::Usage;
use mesoclaw_api::ops::model::ModelFile;
use mesoclaw_api::ops::provider::{FactSource, Model, Price};
use mesoclaw_providers::ListedModel;
use mesoclaw_providers::catalog::{self, CatalogModel, catalog};
use mesoclaw_store::repo::model::ModelRow;

use crate::models::setting::ProviderSetting;

/// Models with fewer parameters, in millions, call tools at random, and reading what tools there are
/// takes them longer than answering.
const SMALL_MILLIONS: u32 = 1_000;

/// See the module documentation.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct ModelFacts {
    display_name: Option<String>,
    pub context_limit: Option<u32>,
    pub output_limit: Option<u32>,
    pub supports_tools: bool,
    pub supports_vision: Option<bool>,
    /// Whether it is too small to make sense of tools; `false` where that is not known.
    pub is_small: bool,
    price: Pricing,
    is_custom: bool,
    source: Option<FactSource>,
}

#[derive(Clone, PartialEq, Debug)]
enum Pricing {
    Unknown,
    /// It runs here.
    Free,
    Given(Price),
    Catalogue(&'static CatalogModel),
}

impl ModelFacts {
    /// A model of the embedded engine.
    pub fn local() -> Self {
        Self {
            is_small: false,
            display_name: None,
            context_limit: None,
            output_limit: None,
            supports_tools: true,
            supports_vision: Some(false),
            price: Pricing::Free,
            is_custom: false,
            source: None,
        }
    }

    /// A model file of the embedded engine.
    pub fn of_file(file: &ModelFile) -> Self {
        Self {
            is_small: file
                .parameters_millions
                .is_some_and(|millions| millions < SMALL_MILLIONS),
            ..Self::local()
        }
    }

    /// A model nothing is known of but its provider.
    pub fn unknown(setting: &ProviderSetting) -> Self {
        Self {
            is_small: false,
            display_name: None,
            context_limit: None,
            output_limit: None,
            supports_tools: setting.supports_tools,
            supports_vision: None,
            // Whoever runs a server on this machine pays for its electricity only.
            price: if setting.is_loopback {
                Pricing::Free
            } else {
                Pricing::Unknown
            },
            is_custom: false,
            source: None,
        }
    }

    /// What is known of a model of a provider.
    pub fn of(setting: &ProviderSetting, model_id: &str) -> Self {
        let known = catalog()
            .provider(&setting.id)
            .and_then(|provider| provider.models.iter().find(|model| model.id == model_id));
        let mut facts = Self::unknown(setting);
        if let Some(known) = known {
            facts.learn_known(known);
        }
        if let Some(row) = setting.models.get(model_id) {
            facts.learn_row(row);
        }
        facts
    }

    /// What a provider told of a model nobody else knows.
    pub fn listed(setting: &ProviderSetting, listed: &ListedModel) -> Self {
        let mut facts = Self::unknown(setting);
        facts.learn_listed(listed);
        facts
    }

    /// Adds what a provider told, where nothing better is known.
    pub fn learn_listed(&mut self, listed: &ListedModel) {
        self.context_limit = self.context_limit.or(listed.context_limit);
        self.supports_vision = self.supports_vision.or(listed.supports_vision);
        if let Some(supports_tools) = listed.supports_tools
            && !self.is_custom
        {
            self.supports_tools = supports_tools;
        }
    }

    fn learn_known(&mut self, known: &'static CatalogModel) {
        self.display_name = Some(known.name.clone());
        self.context_limit = known.context_limit;
        self.output_limit = known.output_limit;
        self.supports_tools = known.supports_tools.unwrap_or(self.supports_tools);
        self.supports_vision = known.supports_vision;
        if known.price.is_some() {
            self.price = Pricing::Catalogue(known);
        }
        self.source = Some(FactSource {
            page: known.source.clone(),
            checked: known.checked.clone(),
        });
    }

    fn learn_row(&mut self, row: &ModelRow) {
        self.is_custom = true;
        self.display_name = Some(row.display_name.clone());
        self.context_limit = row.context_limit.or(self.context_limit);
        self.output_limit = row.output_limit.or(self.output_limit);
        self.supports_tools = row.supports_tools.unwrap_or(self.supports_tools);
        self.supports_vision = row.supports_vision.or(self.supports_vision);
        if let Some(price) = row.price {
            self.price = Pricing::Given(price);
        }
    }

    /// Whether a price is known.
    pub fn has_price(&self) -> bool {
        self.cost_microusd(&Usage::default()).is_some()
    }

    /// Whether calls are known to cost nothing.
    pub fn is_free(&self) -> bool {
        match &self.price {
            Pricing::Free => true,
            Pricing::Unknown | Pricing::Catalogue(_) => false,
            Pricing::Given(price) => {
                let more = [price.cached_input, price.cache_write];
                price.input == 0 && price.output == 0 && more.iter().flatten().all(|n| *n == 0)
            }
        }
    }

    /// What a call cost, in millionths of a US dollar; `None` when no price is known.
    pub fn cost_microusd(&self, usage: &Usage) -> Option<u64> {
        match &self.price {
            Pricing::Unknown => None,
            Pricing::Free => Some(0),
            Pricing::Given(price) => Some(to_catalog(*price).cost_microusd(usage)),
            Pricing::Catalogue(model) => model.cost_microusd(usage),
        }
    }

    /// As operations tell of it.
    pub fn to_model(&self, provider_id: &str, model_id: &str, is_active: bool) -> Model {
        Model {
            id: format!("{provider_id}:{model_id}"),
            provider_id: provider_id.to_owned(),
            model_id: model_id.to_owned(),
            display_name: self
                .display_name
                .clone()
                .unwrap_or_else(|| model_id.to_owned()),
            context_limit: self.context_limit,
            output_limit: self.output_limit,
            supports_tools: self.supports_tools,
            supports_vision: self.supports_vision,
            price: match &self.price {
                Pricing::Unknown => None,
                Pricing::Free => Some(Price {
                    input: 0,
                    cached_input: None,
                    cache_write: None,
                    output: 0,
                }),
                Pricing::Given(price) => Some(*price),
                Pricing::Catalogue(model) => model.price.map(from_catalog),
            },
            is_custom: self.is_custom,
            is_active,
            source: self.source.clone(),
        }
    }
}

/// The models of a provider: the catalogue's in its order, then those only a person knows, by id.
pub(super) fn merged(setting: &ProviderSetting, is_active: bool) -> Vec<Model> {
    let known = catalog().provider(&setting.id);
    let known: Vec<&str> = known
        .iter()
        .flat_map(|provider| &provider.models)
        .map(|model| model.id.as_str())
        .collect();
    let added = setting.models.keys().map(String::as_str);
    let added = added.filter(|id| !known.contains(id));
    known
        .iter()
        .copied()
        .chain(added)
        .map(|id| ModelFacts::of(setting, id).to_model(&setting.id, id, is_active))
        .collect()
}

fn to_catalog(price: Price) -> catalog::Price {
    catalog::Price {
        input: price.input,
        cached_input: price.cached_input,
        cache_write: price.cache_write,
        output: price.output,
    }
}

fn from_catalog(price: catalog::Price) -> Price {
    Price {
        input: price.input,
        cached_input: price.cached_input,
        cache_write: price.cache_write,
        output: price.output,
    }
}
