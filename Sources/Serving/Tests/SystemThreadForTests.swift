import ConvNet

typealias SystemThreadForTests = SystemThread
