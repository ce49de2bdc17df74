//! The kernel of every likelihood that computes: one blocking thread per running task.
//!
//! Whoever runs the kernel bounds how many tasks run at once (the slots of a Worker) and so the
//! number of threads.
//!
//! Decision: Kernels run on blocking threads (`docs/decisions.md`).

use std::sync::Arc;

use futures::future::BoxFuture;

use super::{Kernel, KernelError, Likelihood, PixelRequest, StopFlag};
use skyscan_sky::map::PixelOutcome;

/// Runs a [`Likelihood`] on tokio's blocking threads.
#[derive(Debug)]
pub struct ComputeKernel<L>(pub L);

impl<L: Likelihood> Kernel for ComputeKernel<L> {
    fn evaluate(
        self: Arc<Self>,
        requests: Vec<PixelRequest>,
        stop: StopFlag,
    ) -> BoxFuture<'static, Result<Vec<PixelOutcome>, KernelError>> {
        Box::pin(async move {
            let task = tokio::task::spawn_blocking(move || {
                let fit = |request| {
                    if stop.is_stopped() {
                        return Err(KernelError::Stopped);
                    }
                    Ok(self.0.fit(request))
                };
                requests.iter().map(fit).collect()
            });
            task.await.unwrap_or_else(|failure| Err(describe(failure)))
        })
    }
}

fn describe(failure: tokio::task::JoinError) -> KernelError {
    match failure.try_into_panic() {
        Ok(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            KernelError::Panicked(text.unwrap_or_else(|| "without a message".to_owned()))
        }
        Err(_) => KernelError::Stopped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_event::DetectorDirection;

    #[derive(Debug)]
    struct Failing;

    impl Likelihood for Failing {
        fn fit(&self, request: &PixelRequest) -> PixelOutcome {
            assert!(request.direction.zenith_rad < 1.0, "too steep");
            PixelOutcome::Failed("never fits".to_owned())
        }
    }

    fn request(zenith_rad: f64) -> PixelRequest {
        let direction = DetectorDirection {
            zenith_rad,
            azimuth_rad: 0.0,
        };
        PixelRequest {
            direction,
            seeds: vec![],
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error_with_its_message() {
        let kernel = Arc::new(ComputeKernel(Failing));
        let fine = kernel
            .clone()
            .evaluate(vec![request(0.1)], StopFlag::default())
            .await;
        assert_eq!(
            fine.unwrap(),
            [PixelOutcome::Failed("never fits".to_owned())]
        );
        let error = kernel
            .evaluate(vec![request(2.0)], StopFlag::default())
            .await
            .unwrap_err();
        assert!(error.to_string().contains("too steep"), "{error}");
    }

    #[tokio::test]
    async fn stops_between_pixels() {
        let stop = StopFlag::default();
        stop.stop();
        let stopped = Arc::new(ComputeKernel(Failing))
            .evaluate(vec![request(0.1)], stop)
            .await;
        assert!(matches!(stopped, Err(KernelError::Stopped)));
    }
}
