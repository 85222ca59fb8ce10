//! The last look before a call runs: grants still count, and what was approved is still the same.

use mesoclaw_agent::policy::Verdict;
use mesoclaw_api::ops::approval::Approval;
use mesoclaw_api::{CallId, SessionId, Timestamp};
use mesoclaw_store::repo::{approval, grant};

use crate::tools::Toolbox;
use crate::tools::judge::{Asked, Judged, Refused};

/// What exactly a person approved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Approved {
    /// SHA-256 of the call.
    pub digest: String,
    /// What was shown of the files it changes.
    pub diff: Option<String>,
}

impl From<&Approval> for Approved {
    fn from(approval: &Approval) -> Self {
        Self {
            digest: approval.digest.clone(),
            diff: approval.diff.clone(),
        }
    }
}

impl Toolbox {
    /// Counts the grants a call runs by. A grant that was taken back since the verdict counts no
    /// more.
    ///
    /// # Errors
    /// One of them ended.
    pub async fn use_grants(&self, judged: &Judged) -> Result<(), Refused> {
        if judged.decision.grants.is_empty() {
            return Ok(());
        }
        let grants = judged.decision.grants.clone();
        let counted = self
            .store
            .write(move |tx| {
                let now = Timestamp::now();
                for id in &grants {
                    if !grant::count_use(tx, id, &now)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            })
            .await;
        match counted {
            Ok(true) => Ok(()),
            Ok(false) => Err(changed("the grant that allowed it was taken back")),
            Err(error) => {
                tracing::warn!(error = %mesoclaw_api::error::chain(&error), "grants not counted");
                Err(changed("the grants could not be read"))
            }
        }
    }

    /// What was approved last for a call whose turn was broken off.
    ///
    /// # Errors
    /// Nothing was, or it is not known any more what.
    pub async fn stored_approval(
        &self,
        session_id: &SessionId,
        call_id: &CallId,
    ) -> Result<Approved, Refused> {
        let (session_id, call_id) = (session_id.clone(), call_id.clone());
        let found = self
            .store
            .read(move |conn| approval::approved(conn, &session_id, &call_id))
            .await
            .map(|found| found.as_ref().map(Approved::from));
        match found {
            Ok(Some(approved)) if !approved.digest.is_empty() => Ok(approved),
            Ok(_) => Err(changed("nobody knows any more what exactly was approved")),
            Err(error) => {
                tracing::warn!(error = %mesoclaw_api::error::chain(&error), "approval not read");
                Err(changed("the approval could not be read"))
            }
        }
    }

    /// Judges a call that a person approved, just before it runs.
    ///
    /// # Errors
    /// It is no longer what was approved, or it is forbidden by now.
    pub async fn judge_again(&self, asked: &Asked, approved: &Approved) -> Result<Judged, Refused> {
        let judged = self.judge(asked).await?;
        if let Verdict::Deny { reason, rule } = &judged.decision.verdict {
            return Err(Refused::new(rule, reason.clone()));
        }
        if judged.decision.digest != approved.digest {
            return Err(changed(
                "what would run is no longer what was approved: a program, a file or the \
                 directory changed meanwhile; ask again",
            ));
        }
        if let Some(shown) = &approved.diff {
            let now = self.diff(&judged).await;
            if now.is_none_or(|now| !is_same_change(shown, &now)) {
                return Err(changed(
                    "what would change is no longer what was approved: the file changed \
                     meanwhile; look at it and ask again",
                ));
            }
        }
        Ok(judged)
    }
}

/// Whether two diffs remove and add the same lines at the same places. Numbers of lines may differ:
/// another approved call may have changed the file further up.
fn is_same_change(one: &str, other: &str) -> bool {
    let lines = |diff: &str| -> Vec<String> {
        let lines = diff.lines().filter(|line| !line.starts_with("@@ "));
        lines.map(str::to_owned).collect()
    };
    lines(one) == lines(other)
}

fn changed(reason: &str) -> Refused {
    Refused::new("approval.changed", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_the_same_wherever_in_the_file_it_is() {
        let diff = |at: &str, line: &str| {
            format!("--- a/x\n+++ b/x\n@@ -{at},2 +{at},2 @@\n one\n-two\n+{line}\n")
        };
        assert!(is_same_change(&diff("1", "zwei"), &diff("4", "zwei")));
        assert!(!is_same_change(&diff("1", "zwei"), &diff("1", "drei")));
    }
}
